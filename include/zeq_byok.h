/*
 * What libzeq_byok.so knows beyond PKCS#11: its mechanism, its attributes, and the reasons in
 * CK_SESSION_INFO.ulDeviceError. C99 and C++. Numbers are never used again for something else.
 */
#ifndef ZEQ_BYOK_H
#define ZEQ_BYOK_H

#include "pkcs11.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Seals keys (C_WrapKey, C_UnwrapKey) and data (C_Encrypt, C_Decrypt) into envelopes, with the key
 * object of a sibling or tether. Parameter: NULL, which takes the key object's window, or
 * CK_ZEQ_ENVELOPE_PARAMS.
 */
#define CKM_ZEQ_ENVELOPE 0x80005A45UL

/*
 * Read-only attributes of an unwrapped key, and of a key object that seals.
 */
/* 8 bytes, the first tick, big endian; empty: at once */
#define CKA_ZEQ_OPENS 0x80005A01UL
/* 8 bytes, the last tick, big endian; empty: never */
#define CKA_ZEQ_CLOSES 0x80005A02UL
/* two CK_ULONG, low and high in 1/10000 of a phase; empty: none */
#define CKA_ZEQ_GATE 0x80005A03UL
/* 16 bytes */
#define CKA_ZEQ_ENVELOPE_ID 0x80005A04UL
/* the id of the sibling or tether that it was sealed to */
#define CKA_ZEQ_SIBLING 0x80005A05UL
/* CK_ULONG, who makes the window close: 1 module, 2 provider, 3 erased */
#define CKA_ZEQ_STRENGTH 0x80005A06UL
/* CK_ULONG, the kind of envelope: 0 key, 1 data, 2 token */
#define CKA_ZEQ_KIND 0x80005A07UL

/*
 * In a key's own template: a duration such as "30d" that narrows the window it is sealed with.
 */
#define CKA_ZEQ_WINDOW 0x80005A08UL

/*
 * The parameter of CKM_ZEQ_ENVELOPE. A tick is 777 ms of Unix time, a phase a fraction of one.
 * To unwrap and decrypt, ulFlags is 0 and pAAD is what it was sealed with.
 */
typedef struct CK_ZEQ_ENVELOPE_PARAMS {
    CK_ULONG ulVersion;  /* ZEQ_ENVELOPE_PARAMS_VERSION */
    CK_ULONG ulFlags;    /* which of the fields count: CKF_ZEQ_... */
    CK_BYTE opens[8];    /* the first tick, big endian */
    CK_BYTE closes[8];   /* the last tick, big endian */
    CK_ULONG ulGateLow;  /* in 1/10000 of a phase; a gate may wrap: low above high */
    CK_ULONG ulGateHigh;
    CK_BYTE_PTR pAAD;    /* associated data */
    CK_ULONG ulAADLen;
} CK_ZEQ_ENVELOPE_PARAMS;

typedef CK_ZEQ_ENVELOPE_PARAMS *CK_ZEQ_ENVELOPE_PARAMS_PTR;

#define ZEQ_ENVELOPE_PARAMS_VERSION 1UL

/* opens counts; without it the window is open at once */
#define CKF_ZEQ_OPENS 1UL
/* closes counts; without it and CKF_ZEQ_NEVER the key object's window counts */
#define CKF_ZEQ_CLOSES 2UL
/* the window never closes; not together with CKF_ZEQ_CLOSES */
#define CKF_ZEQ_NEVER 4UL
/* ulGateLow and ulGateHigh count */
#define CKF_ZEQ_GATE 8UL

/*
 * CK_SESSION_INFO.ulDeviceError: why the last failed call on that session failed, where its CK_RV
 * does not say.
 */
/* no more to say */
#define ZEQ_REASON_NONE 0UL
/* not an envelope, or one that is cut or re-encoded */
#define ZEQ_REASON_NOT_AN_ENVELOPE 1UL
/* the envelope was changed after it was sealed */
#define ZEQ_REASON_ENVELOPE_DAMAGED 2UL
/* an envelope of another kind (key, data, token) */
#define ZEQ_REASON_WRONG_KIND 3UL
/* sealed to another sibling */
#define ZEQ_REASON_OTHER_SIBLING 4UL
/* the window has closed */
#define ZEQ_REASON_WINDOW_CLOSED 5UL
/* the window is not open yet */
#define ZEQ_REASON_WINDOW_NOT_OPEN 6UL
/* outside the gate of the phase */
#define ZEQ_REASON_GATE_CLOSED 7UL
/* the clock is away from its witnesses */
#define ZEQ_REASON_CLOCK_NOT_TRUSTED 8UL
/* the clock was set back; start hosts after time synchronisation, or run zeq-byok clock accept */
#define ZEQ_REASON_CLOCK_SET_BACK 9UL
/* no witness of the time answered, and the configuration requires one */
#define ZEQ_REASON_NO_WITNESS 10UL
/* the associated data are not those it was sealed with */
#define ZEQ_REASON_CONTEXT_MISMATCH 11UL
/* a window that closes before it opens or has closed already */
#define ZEQ_REASON_BAD_WINDOW 12UL
/* parameters of an unknown version, or with unknown flags */
#define ZEQ_REASON_BAD_PARAMETERS 13UL
/* the sibling's provider said no */
#define ZEQ_REASON_PROVIDER_REFUSED 14UL
/* too few siblings answered in time */
#define ZEQ_REASON_PROVIDER_UNREACHABLE 15UL
/* the provider refused the credentials */
#define ZEQ_REASON_PROVIDER_CREDENTIALS 16UL
/* the key material is under the floor of CS87 */
#define ZEQ_REASON_MATERIAL_TOO_SIMPLE 17UL
/* store not writable */
#define ZEQ_REASON_STORE_NOT_WRITABLE 18UL
/* the store or the configuration may be written by others, or belongs to someone else */
#define ZEQ_REASON_STORE_UNSAFE 19UL
/* the store was made by a newer version */
#define ZEQ_REASON_STORE_NEWER 20UL
/* a row of the store was changed from outside */
#define ZEQ_REASON_STORE_DAMAGED 21UL
/* the store could not be read or written */
#define ZEQ_REASON_STORE_FAILED 22UL
/* the token was initialised again by another process */
#define ZEQ_REASON_TOKEN_REPLACED 23UL
/* the configuration is wrong */
#define ZEQ_REASON_CONFIGURATION 24UL
/* the window would be wider than the key's own */
#define ZEQ_REASON_TOO_WIDE 25UL
/* an attribute of the key cannot be restored from an envelope */
#define ZEQ_REASON_CANNOT_RESTORE 26UL
/* a defect in this library */
#define ZEQ_REASON_PANIC 27UL

#ifdef __cplusplus
}
#endif

#endif
