/* Every structure and number at an odd address, as Oracle passes them: odd MODULE. */
#include "host.h"

static char bytes[4096];
#define ODD(type, offset) ((type *)(void *)(bytes + (offset) + 1))

int main(int count, char **arguments) {
    WANT(count > 1);
    load(arguments[1]);
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    memcpy(ODD(CK_C_INITIALIZE_ARGS, 0), &args, sizeof args);
    OK(p11->C_Initialize(ODD(CK_C_INITIALIZE_ARGS, 0)));
    OK(p11->C_GetInfo(ODD(CK_INFO, 0)));
    OK(p11->C_GetFunctionList(ODD(CK_FUNCTION_LIST_PTR, 0)));
    CK_ULONG slots = 16;
    CK_SLOT_ID slot;
    memcpy(ODD(CK_ULONG, 0), &slots, sizeof slots);
    OK(p11->C_GetSlotList(CK_TRUE, ODD(CK_SLOT_ID, 16), ODD(CK_ULONG, 0)));
    memcpy(&slots, ODD(CK_ULONG, 0), sizeof slots);
    memcpy(&slot, ODD(CK_SLOT_ID, 16), sizeof slot);
    WANT(slots > 0);
    OK(p11->C_GetSlotInfo(slot, ODD(CK_SLOT_INFO, 0)));
    OK(p11->C_GetTokenInfo(slot, ODD(CK_TOKEN_INFO, 0)));
    CK_ULONG many = 100;
    memcpy(ODD(CK_ULONG, 0), &many, sizeof many);
    OK(p11->C_GetMechanismList(slot, ODD(CK_MECHANISM_TYPE, 16), ODD(CK_ULONG, 0)));
    OK(p11->C_GetMechanismInfo(slot, CKM_ECDSA, ODD(CK_MECHANISM_INFO, 0)));
    prepare();
    CK_SESSION_HANDLE session;
    OK(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                          ODD(CK_SESSION_HANDLE, 0)));
    memcpy(&session, ODD(CK_SESSION_HANDLE, 0), sizeof session);
    OK(p11->C_GetSessionInfo(session, ODD(CK_SESSION_INFO, 0)));
    OK(p11->C_Login(session, CKU_USER, PIN, 6));
    CK_OBJECT_HANDLE key = make_key(session);
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    memcpy(ODD(CK_MECHANISM, 0), &mechanism, sizeof mechanism);
    OK(p11->C_SignInit(session, ODD(CK_MECHANISM, 0), key));
    many = 64;
    memcpy(ODD(CK_ULONG, 0), &many, sizeof many);
    OK(p11->C_Sign(session, ODD(CK_BYTE, 100), 32, ODD(CK_BYTE, 200), ODD(CK_ULONG, 0)));
    CK_BBOOL signs;
    CK_ATTRIBUTE wanted = {CKA_SIGN, &signs, 1};
    memcpy(ODD(CK_ATTRIBUTE, 0), &wanted, sizeof wanted);
    OK(p11->C_GetAttributeValue(session, key, ODD(CK_ATTRIBUTE, 0), 1));
    WANT(signs == CK_TRUE);
    OK(p11->C_FindObjectsInit(session, NULL, 0));
    OK(p11->C_FindObjects(session, ODD(CK_OBJECT_HANDLE, 64), 1, ODD(CK_ULONG, 0)));
    OK(p11->C_FindObjectsFinal(session));
    OK(p11->C_Finalize(NULL));
    return 0;
}
