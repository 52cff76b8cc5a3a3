/* What the host programs share: the module, loaded as hosts load it, and a session on its first
 * token. A program answers 0, or the line number of what went wrong is on standard error. */
#ifndef ZEQ_TEST_HOST_H
#define ZEQ_TEST_HOST_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11.h"

#define WANT(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define IS(code, call)                                                                             \
    do {                                                                                           \
        CK_RV rv_ = (call);                                                                        \
        if (rv_ != (code)) {                                                                       \
            fprintf(stderr, "%s:%d: 0x%lx, not %s, from %s\n", __FILE__, __LINE__, rv_, #code,     \
                    #call);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define OK(call) IS(CKR_OK, call)

#define PIN ((CK_UTF8CHAR_PTR) "123456")
#define SO_PIN ((CK_UTF8CHAR_PTR) "12345678")

static CK_FUNCTION_LIST_PTR p11;

/* Each program uses a part. */
#pragma GCC diagnostic ignored "-Wunused-function"

static void *load(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    WANT(get != NULL);
    OK(get(&p11));
    return library;
}

static void initialize(void) {
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    OK(p11->C_Initialize(&args));
}

static CK_SLOT_ID first_slot(void) {
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    OK(p11->C_GetSlotList(CK_TRUE, slots, &count));
    WANT(count > 0);
    return slots[0];
}

/* Gives an uninitialised token its PINs. */
static void prepare(void) {
    CK_UTF8CHAR label[32];
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot = first_slot();
    memset(label, ' ', sizeof label);
    memcpy(label, "process", 7);
    OK(p11->C_InitToken(slot, SO_PIN, 8, label));
    OK(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    OK(p11->C_Login(session, CKU_SO, SO_PIN, 8));
    OK(p11->C_InitPIN(session, PIN, 6));
    OK(p11->C_Logout(session));
    OK(p11->C_CloseSession(session));
}

static CK_SESSION_HANDLE open_session(void) {
    CK_SESSION_HANDLE session;
    OK(p11->C_OpenSession(first_slot(), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    return session;
}

static CK_SESSION_HANDLE log_in(void) {
    CK_SESSION_HANDLE session = open_session();
    OK(p11->C_Login(session, CKU_USER, PIN, 6));
    return session;
}

/* A P-256 private key of this session, for which nobody need log in. */
static CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE session) {
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE public[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_VERIFY, &yes, 1}};
    CK_ATTRIBUTE private[] = {
        {CKA_TOKEN, &no, 1}, {CKA_PRIVATE, &no, 1}, {CKA_SIGN, &yes, 1}};
    CK_OBJECT_HANDLE verifies, signs;
    OK(p11->C_GenerateKeyPair(session, &mechanism, public, 2, private, 3, &verifies, &signs));
    return signs;
}

static void draw(CK_SESSION_HANDLE session) {
    CK_BYTE bytes[64];
    OK(p11->C_GenerateRandom(session, bytes, sizeof bytes));
}

static void sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {7}, signature[64];
    CK_ULONG length = sizeof signature;
    OK(p11->C_SignInit(session, &mechanism, key));
    OK(p11->C_Sign(session, digest, sizeof digest, signature, &length));
    WANT(length == 64);
}

/* Whether a child ended well, in the time given; it is killed otherwise. */
static int ended_well(pid_t child, double seconds) {
    int status = 0;
    for (double waited = 0; waited < seconds; waited += 0.0005) {
        if (waitpid(child, &status, WNOHANG) == child)
            return status == 0;
        usleep(500);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    fprintf(stderr, "a child hung\n");
    return 0;
}

#endif
