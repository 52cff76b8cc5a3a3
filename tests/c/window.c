/*
 * A host that chooses a window itself: makes an AES key, seals it with explicit parameters, opens it
 * again, and is told why a window in the past is refused.
 *
 * usage: window MODULE SLOT-NUMBER SO-PIN PIN, on an uninitialised token.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "zeq_byok.h"

static CK_FUNCTION_LIST_3_2 *p11;

static void check(const char *what, CK_RV got, CK_RV wanted)
{
    if (got == wanted)
        return;
    fprintf(stderr, "%s: %#lx, not %#lx\n", what, got, wanted);
    exit(1);
}

#define OK(call) check(#call, (call), CKR_OK)

static void load(const char *path)
{
    CK_C_GetInterface get;
    CK_INTERFACE *found = NULL;
    CK_VERSION version = {3, 2};
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&get = dlsym(module, "C_GetInterface");
    OK(get((CK_UTF8CHAR *)"PKCS 11", &version, &found, 0));
    p11 = (CK_FUNCTION_LIST_3_2 *)found->pFunctionList;
    OK(p11->C_Initialize(NULL));
}

static void put_tick(CK_BYTE to[8], unsigned long long tick)
{
    int i;

    for (i = 7; i >= 0; i--, tick >>= 8)
        to[i] = (CK_BYTE)tick;
}

static unsigned long long tick_now(void)
{
    return (unsigned long long)time(NULL) * 1000 / 777;
}

static CK_SESSION_HANDLE login(CK_SLOT_ID slot, char *so_pin, char *pin)
{
    CK_SESSION_HANDLE session;
    CK_UTF8CHAR label[32];

    memset(label, ' ', sizeof label);
    memcpy(label, "window", 6);
    OK(p11->C_InitToken(slot, (CK_UTF8CHAR *)so_pin, strlen(so_pin), label));
    OK(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    OK(p11->C_Login(session, CKU_SO, (CK_UTF8CHAR *)so_pin, strlen(so_pin)));
    OK(p11->C_InitPIN(session, (CK_UTF8CHAR *)pin, strlen(pin)));
    OK(p11->C_Logout(session));
    OK(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)));
    return session;
}

static CK_OBJECT_HANDLE sealing_key(CK_SESSION_HANDLE session)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE wanted[] = {{CKA_WRAP, &yes, sizeof yes}, {CKA_UNWRAP, &yes, sizeof yes}};
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_ULONG count = 0;

    OK(p11->C_FindObjectsInit(session, wanted, 2));
    OK(p11->C_FindObjects(session, &key, 1, &count));
    OK(p11->C_FindObjectsFinal(session));
    check("one key that seals", count, 1);
    return key;
}

static CK_OBJECT_HANDLE data_key(CK_SESSION_HANDLE session)
{
    CK_MECHANISM how = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ULONG len = 32;
    CK_ATTRIBUTE wanted[] = {{CKA_VALUE_LEN, &len, sizeof len},
                             {CKA_EXTRACTABLE, &yes, sizeof yes},
                             {CKA_ENCRYPT, &yes, sizeof yes}};
    CK_OBJECT_HANDLE key;

    OK(p11->C_GenerateKey(session, &how, wanted, 3, &key));
    return key;
}

static void seal_and_open(CK_SESSION_HANDLE session)
{
    CK_OBJECT_HANDLE kek = sealing_key(session), key = data_key(session), opened;
    CK_ZEQ_ENVELOPE_PARAMS window = {ZEQ_ENVELOPE_PARAMS_VERSION, CKF_ZEQ_CLOSES, {0}, {0}, 0, 0,
                                     (CK_BYTE *)"row 7", 5};
    CK_MECHANISM how = {CKM_ZEQ_ENVELOPE, &window, sizeof window};
    CK_BYTE sealed[1024], closes[8];
    CK_ATTRIBUTE shown = {CKA_ZEQ_CLOSES, closes, sizeof closes};
    CK_ULONG len = sizeof sealed;
    CK_SESSION_INFO info;

    put_tick(window.closes, tick_now() + 1000);
    OK(p11->C_WrapKey(session, &how, kek, key, sealed, &len));
    window.ulFlags = 0;
    OK(p11->C_UnwrapKey(session, &how, kek, sealed, len, NULL, 0, &opened));
    OK(p11->C_GetAttributeValue(session, opened, &shown, 1));
    check("the window of the opened key", memcmp(closes, window.closes, 8) != 0, 0);

    put_tick(window.closes, 1);
    window.ulFlags = CKF_ZEQ_CLOSES;
    check("a window in the past", p11->C_WrapKey(session, &how, kek, key, sealed, &len),
          CKR_MECHANISM_PARAM_INVALID);
    OK(p11->C_GetSessionInfo(session, &info));
    check("its reason", info.ulDeviceError, ZEQ_REASON_BAD_WINDOW);
}

int main(int argc, char **argv)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;

    if (argc != 5)
        return 2;
    load(argv[1]);
    OK(p11->C_GetSlotList(CK_TRUE, slots, &count));
    seal_and_open(login(slots[atoi(argv[2])], argv[3], argv[4]));
    OK(p11->C_Finalize(NULL));
    puts("ok");
    return 0;
}
