/* Forks in the ways that hosts do: forks MODULE MODE [CHILDREN]. */
#include "host.h"

static volatile int stop;

static void *drawing(void *unused) {
    CK_SESSION_HANDLE session = open_session();
    while (!stop)
        draw(session);
    return unused;
}

static void *signing(void *unused) {
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_HANDLE key = make_key(session);
    while (!stop)
        sign(session, key);
    return unused;
}

static void *one_draw(void *unused) {
    draw(open_session());
    return unused;
}

/* Threads that end while their generator is freed: aws-lc locks there too. */
static void *ending(void *unused) {
    pthread_t thread;
    while (!stop) {
        pthread_create(&thread, NULL, one_draw, NULL);
        pthread_join(thread, NULL);
    }
    return unused;
}

static void *storing(void *unused) {
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &no, 1}};
    CK_OBJECT_HANDLE object;
    while (!stop) {
        OK(p11->C_CreateObject(session, template, 3, &object));
        OK(p11->C_DestroyObject(session, object));
    }
    return unused;
}

/* What a worker does with a module of its own. */
static void work(int with_login) {
    CK_SESSION_HANDLE session = with_login ? log_in() : open_session();
    draw(session);
    sign(session, make_key(session));
}

static void keeps_calling(CK_SESSION_HANDLE session) {
    CK_ULONG count = 0;
    CK_INFO info;
    CK_BYTE byte;
    IS(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetInfo(&info));
    IS(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetSlotList(CK_TRUE, NULL, &count));
    IS(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GenerateRandom(session, &byte, 1));
    IS(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_CloseSession(session));
}

static void child(const char *mode, CK_SESSION_HANDLE session, int number) {
    CK_FUNCTION_LIST_PTR list = p11;
    if (!strcmp(mode, "nothing"))
        exit(0);
    keeps_calling(session);
    if (!strcmp(mode, "calls"))
        exit(0);
    if (!strcmp(mode, "finalize"))
        OK(p11->C_Finalize(NULL));
    IS(CKR_CRYPTOKI_NOT_INITIALIZED, p11->C_GetInfo(&(CK_INFO){{0}}));
    initialize();
    WANT(list == p11);
    work(strcmp(mode, "storm") || number % 10 == 0);
    if (!strcmp(mode, "finalize"))
        OK(p11->C_Finalize(NULL));
    exit(0);
}

/* The four ways, one child after the other; grandchildren too. */
static void one(const char *mode, CK_SESSION_HANDLE session) {
    for (int number = 0; number < 3; number++) {
        pid_t made = fork();
        WANT(made >= 0);
        if (!made)
            child(mode, session, 0);
        WANT(ended_well(made, 30));
        draw(session);
    }
}

static void storm(CK_SESSION_HANDLE session, int children) {
    void *(*busy[])(void *) = {drawing, drawing, signing, ending, storing};
    pthread_t threads[5];
    int failed = 0;
    for (int i = 0; i < 5; i++)
        WANT(!pthread_create(&threads[i], NULL, busy[i], NULL));
    for (int number = 0; number < children; number++) {
        pid_t made = fork();
        WANT(made >= 0);
        if (!made)
            child("storm", session, number);
        failed += !ended_well(made, 30);
    }
    stop = 1;
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    fprintf(stderr, "%d of %d children failed or hung\n", failed, children);
    WANT(failed == 0);
}

int main(int count, char **arguments) {
    WANT(count > 2);
    load(arguments[1]);
    initialize();
    prepare();
    CK_SESSION_HANDLE session = log_in();
    if (!strcmp(arguments[2], "storm"))
        storm(session, count > 3 ? atoi(arguments[3]) : 100);
    else
        one(arguments[2], session);
    sign(session, make_key(session));
    OK(p11->C_Finalize(NULL));
    return 0;
}
