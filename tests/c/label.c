/* Prints the labels of the slots' tokens: label MODULE. */
#include "host.h"

int main(int count, char **arguments) {
    CK_SLOT_ID slots[16];
    CK_TOKEN_INFO info;
    CK_ULONG found = 16;
    WANT(count > 1);
    load(arguments[1]);
    CK_RV rv = p11->C_Initialize(NULL);
    printf("C_Initialize 0x%lx\n", rv);
    if (rv != CKR_OK || p11->C_GetSlotList(CK_FALSE, slots, &found) != CKR_OK)
        return 0;
    for (CK_ULONG i = 0; i < found; i++)
        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK)
            printf("%.32s %.16s\n", info.label, info.serialNumber);
    return 0;
}
