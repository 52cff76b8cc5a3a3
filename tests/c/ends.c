/* The ways in which hosts end, or let go of the module: ends MODULE MODE. Needs no token. */
#include "host.h"

static void finalizes(void) {
    OK(p11->C_Finalize(NULL));
}

static void *waits(void *woken) {
    CK_SLOT_ID slot;
    IS(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_WaitForSlotEvent(0, &slot, NULL));
    *(volatile int *)woken = 1;
    return NULL;
}

static void *looks(void *unused) {
    CK_INFO info;
    while (p11->C_GetInfo(&info) == CKR_OK)
        ;
    return unused;
}

/* dlclose with threads inside; the library stays, and may be loaded and used again. */
static void closes(void *library, const char *path) {
    pthread_t waiting, looking;
    volatile int woken = 0;
    CK_INFO info;
    WANT(!pthread_create(&waiting, NULL, waits, (void *)&woken));
    WANT(!pthread_create(&looking, NULL, looks, NULL));
    usleep(50000);
    WANT(!dlclose(library));
    usleep(50000);
    WANT(!woken);
    library = load(path);
    IS(CKR_CRYPTOKI_ALREADY_INITIALIZED, p11->C_Initialize(NULL));
    OK(p11->C_GetInfo(&info));
    finalizes();
    pthread_join(waiting, NULL);
    pthread_join(looking, NULL);
    WANT(woken);
    WANT(!dlclose(library));
    load(path);
    initialize();
    finalizes();
}

/* As pkcs11-provider does it: OpenSSL's cleanup runs at exit and ends the module. */
static void in_openssl(void) {
    void *openssl = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!openssl) {
        fprintf(stderr, "SKIPPED: libcrypto.so.3 is missing\n");
        return;
    }
    int (*at_exit)(void (*)(void)) = (int (*)(void (*)(void)))dlsym(openssl, "OPENSSL_atexit");
    WANT(at_exit && at_exit(finalizes));
}

/* Every signal's action, and the mask. */
static void signals(struct sigaction *actions, sigset_t *mask) {
    memset(actions, 0, 32 * sizeof *actions);
    for (int number = 1; number < 32; number++)
        sigaction(number, NULL, &actions[number]);
    sigemptyset(mask);
    pthread_sigmask(SIG_BLOCK, NULL, mask);
}

static void touches_no_signal(const char *path) {
    struct sigaction before[32], after[32];
    sigset_t mask_before, mask_after;
    signals(before, &mask_before);
    load(path);
    initialize();
    first_slot();
    finalizes();
    signals(after, &mask_after);
    for (int number = 1; number < 32; number++)
        WANT(before[number].sa_handler == after[number].sa_handler &&
             before[number].sa_flags == after[number].sa_flags);
    for (int number = 1; number < 32; number++)
        WANT(sigismember(&mask_before, number) == sigismember(&mask_after, number));
}

/* Closed standard streams: what the module opens must not take their numbers, or what the host
 * prints lands in the store. */
static void without_streams(const char *path) {
    int errors = dup(2);
    close(0), close(1), close(2);
    WANT(dup2(errors, 100) == 100 && close(errors) == 0);
    load(path);
    initialize();
    prepare();
    for (int number = 0; number < 3; number++)
        if (write(number, "XXXXXXXXXXXXXXXX", 16) >= 0) {
            char name[64], file[256] = "";
            snprintf(name, sizeof name, "/proc/self/fd/%d", number);
            if (readlink(name, file, sizeof file - 1) < 0 || strcmp(file, "/dev/null")) {
                dprintf(100, "descriptor %d is %s\n", number, file);
                _exit(1);
            }
        }
    log_in();
    finalizes();
    initialize();
    log_in();
    finalizes();
}

int main(int count, char **arguments) {
    WANT(count > 2);
    const char *path = arguments[1], *mode = arguments[2];
    if (!strcmp(mode, "signals"))
        return touches_no_signal(path), 0;
    if (!strcmp(mode, "streams"))
        return without_streams(path), 0;
    if (!strcmp(mode, "openssl"))
        in_openssl();
    void *library = load(path);
    if (!strcmp(mode, "twice"))
        atexit(finalizes);
    initialize();
    if (!strcmp(mode, "atexit"))
        atexit(finalizes);
    if (!strcmp(mode, "twice")) {
        finalizes();
        initialize();
    }
    if (!strcmp(mode, "dlclose"))
        closes(library, path);
    if (!strcmp(mode, "forget-and-close"))
        WANT(!dlclose(library));
    return 0;
}
