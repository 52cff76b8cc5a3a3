//! The tables that a host asks for first, and the only three functions that the library exports.

use std::ptr;

use cryptoki_sys::*;

use super::args;
use super::decrypt::{C_Decrypt, C_DecryptFinal, C_DecryptInit, C_DecryptUpdate};
use super::digest::{C_Digest, C_DigestFinal, C_DigestInit, C_DigestKey, C_DigestUpdate};
use super::encrypt::{C_Encrypt, C_EncryptFinal, C_EncryptInit, C_EncryptUpdate};
use super::entry::entry;
use super::general::{
    C_Finalize, C_GetInfo, C_GetInfo_2_40, C_GetInfo_3_0, C_Initialize, Interface,
};
use super::keys::{C_DeriveKey, C_GenerateKey, C_GenerateKeyPair, C_UnwrapKey, C_WrapKey};
use super::objects::{
    C_CopyObject, C_CreateObject, C_DestroyObject, C_FindObjects, C_FindObjectsFinal,
    C_FindObjectsInit, C_GetAttributeValue, C_GetObjectSize, C_SetAttributeValue,
};
use super::random::{C_GenerateRandom, C_SeedRandom};
use super::sessions::{
    C_CloseAllSessions, C_CloseSession, C_GetSessionInfo, C_Login, C_LoginUser, C_Logout,
    C_OpenSession, C_SessionCancel,
};
use super::sign::{C_Sign, C_SignFinal, C_SignInit, C_SignUpdate};
use super::slots::{
    C_GetMechanismInfo, C_GetMechanismInfo_2_40, C_GetMechanismInfo_3_0, C_GetMechanismList,
    C_GetSlotInfo, C_GetSlotList, C_GetTokenInfo, C_InitPIN, C_InitToken, C_SetPIN,
    C_WaitForSlotEvent,
};
use super::unsupported::{
    C_AsyncComplete, C_AsyncGetID, C_AsyncJoin, C_CancelFunction, C_DecapsulateKey,
    C_DecryptDigestUpdate, C_DecryptMessage, C_DecryptMessageBegin, C_DecryptMessageNext,
    C_DecryptVerifyUpdate, C_DigestEncryptUpdate, C_EncapsulateKey, C_EncryptMessage,
    C_EncryptMessageBegin, C_EncryptMessageNext, C_GetFunctionStatus, C_GetOperationState,
    C_GetSessionValidationFlags, C_MessageDecryptFinal, C_MessageDecryptInit,
    C_MessageEncryptFinal, C_MessageEncryptInit, C_MessageSignFinal, C_MessageSignInit,
    C_MessageVerifyFinal, C_MessageVerifyInit, C_SetOperationState, C_SignEncryptUpdate,
    C_SignMessage, C_SignMessageBegin, C_SignMessageNext, C_SignRecover, C_SignRecoverInit,
    C_UnwrapKeyAuthenticated, C_VerifyMessage, C_VerifyMessageBegin, C_VerifyMessageNext,
    C_VerifyRecover, C_VerifyRecoverInit, C_VerifySignature, C_VerifySignatureFinal,
    C_VerifySignatureInit, C_VerifySignatureUpdate, C_WrapKeyAuthenticated,
};
use super::verify::{C_Verify, C_VerifyFinal, C_VerifyInit, C_VerifyUpdate};
use crate::error::{Code, Result};

/// A function list: what all have, and `$more`. A missing field does not compile.
macro_rules! list {
    ($list:ident, $interface:ident, $info:ident, $mechanism_info:ident, $($more:ident)*) => {
        $list {
            version: Interface::$interface.0,
            C_GetInfo: Some($info),
            C_GetMechanismInfo: Some($mechanism_info),
            C_Initialize: Some(C_Initialize),
            C_Finalize: Some(C_Finalize),
            C_GetFunctionList: Some(C_GetFunctionList),
            C_GetSlotList: Some(C_GetSlotList),
            C_GetSlotInfo: Some(C_GetSlotInfo),
            C_GetTokenInfo: Some(C_GetTokenInfo),
            C_GetMechanismList: Some(C_GetMechanismList),
            C_InitToken: Some(C_InitToken),
            C_InitPIN: Some(C_InitPIN),
            C_SetPIN: Some(C_SetPIN),
            C_OpenSession: Some(C_OpenSession),
            C_CloseSession: Some(C_CloseSession),
            C_CloseAllSessions: Some(C_CloseAllSessions),
            C_GetSessionInfo: Some(C_GetSessionInfo),
            C_GetOperationState: Some(C_GetOperationState),
            C_SetOperationState: Some(C_SetOperationState),
            C_Login: Some(C_Login),
            C_Logout: Some(C_Logout),
            C_CreateObject: Some(C_CreateObject),
            C_CopyObject: Some(C_CopyObject),
            C_DestroyObject: Some(C_DestroyObject),
            C_GetObjectSize: Some(C_GetObjectSize),
            C_GetAttributeValue: Some(C_GetAttributeValue),
            C_SetAttributeValue: Some(C_SetAttributeValue),
            C_FindObjectsInit: Some(C_FindObjectsInit),
            C_FindObjects: Some(C_FindObjects),
            C_FindObjectsFinal: Some(C_FindObjectsFinal),
            C_EncryptInit: Some(C_EncryptInit),
            C_Encrypt: Some(C_Encrypt),
            C_EncryptUpdate: Some(C_EncryptUpdate),
            C_EncryptFinal: Some(C_EncryptFinal),
            C_DecryptInit: Some(C_DecryptInit),
            C_Decrypt: Some(C_Decrypt),
            C_DecryptUpdate: Some(C_DecryptUpdate),
            C_DecryptFinal: Some(C_DecryptFinal),
            C_DigestInit: Some(C_DigestInit),
            C_Digest: Some(C_Digest),
            C_DigestUpdate: Some(C_DigestUpdate),
            C_DigestKey: Some(C_DigestKey),
            C_DigestFinal: Some(C_DigestFinal),
            C_SignInit: Some(C_SignInit),
            C_Sign: Some(C_Sign),
            C_SignUpdate: Some(C_SignUpdate),
            C_SignFinal: Some(C_SignFinal),
            C_SignRecoverInit: Some(C_SignRecoverInit),
            C_SignRecover: Some(C_SignRecover),
            C_VerifyInit: Some(C_VerifyInit),
            C_Verify: Some(C_Verify),
            C_VerifyUpdate: Some(C_VerifyUpdate),
            C_VerifyFinal: Some(C_VerifyFinal),
            C_VerifyRecoverInit: Some(C_VerifyRecoverInit),
            C_VerifyRecover: Some(C_VerifyRecover),
            C_DigestEncryptUpdate: Some(C_DigestEncryptUpdate),
            C_DecryptDigestUpdate: Some(C_DecryptDigestUpdate),
            C_SignEncryptUpdate: Some(C_SignEncryptUpdate),
            C_DecryptVerifyUpdate: Some(C_DecryptVerifyUpdate),
            C_GenerateKey: Some(C_GenerateKey),
            C_GenerateKeyPair: Some(C_GenerateKeyPair),
            C_WrapKey: Some(C_WrapKey),
            C_UnwrapKey: Some(C_UnwrapKey),
            C_DeriveKey: Some(C_DeriveKey),
            C_SeedRandom: Some(C_SeedRandom),
            C_GenerateRandom: Some(C_GenerateRandom),
            C_GetFunctionStatus: Some(C_GetFunctionStatus),
            C_CancelFunction: Some(C_CancelFunction),
            C_WaitForSlotEvent: Some(C_WaitForSlotEvent),
            $($more: Some($more),)*
        }
    };
}

static LIST_3_2: CK_FUNCTION_LIST_3_2 = list! {
    CK_FUNCTION_LIST_3_2, V3_2, C_GetInfo, C_GetMechanismInfo,
    C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit
    C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal
    C_MessageDecryptInit C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext
    C_MessageDecryptFinal C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext
    C_MessageSignFinal C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin
    C_VerifyMessageNext C_MessageVerifyFinal
    C_EncapsulateKey C_DecapsulateKey C_VerifySignatureInit C_VerifySignature
    C_VerifySignatureUpdate C_VerifySignatureFinal C_GetSessionValidationFlags C_AsyncComplete
    C_AsyncGetID C_AsyncJoin C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated
};

static LIST_3_0: CK_FUNCTION_LIST_3_0 = list! {
    CK_FUNCTION_LIST_3_0, V3_0, C_GetInfo_3_0, C_GetMechanismInfo_3_0,
    C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit
    C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal
    C_MessageDecryptInit C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext
    C_MessageDecryptFinal C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext
    C_MessageSignFinal C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin
    C_VerifyMessageNext C_MessageVerifyFinal
};

static LIST_2_40: CK_FUNCTION_LIST = list! {
    CK_FUNCTION_LIST, V2_40, C_GetInfo_2_40, C_GetMechanismInfo_2_40,
};

/// The interfaces, the newest first (rule 1).
static INTERFACES: Interfaces = Interfaces([
    interface((&raw const LIST_3_2).cast()),
    interface((&raw const LIST_3_0).cast()),
    interface((&raw const LIST_2_40).cast()),
]);

static NAME: &[u8; 8] = b"PKCS 11\0";

#[repr(transparent)]
struct Interfaces([CK_INTERFACE; 3]);

// SAFETY: its pointers lead to immutable statics.
unsafe impl Sync for Interfaces {}

/// No flag: a child of fork() keeps nothing (rule 2).
const fn interface(list: *const CK_VERSION) -> CK_INTERFACE {
    CK_INTERFACE {
        pInterfaceName: NAME.as_ptr().cast_mut(),
        pFunctionList: list.cast_mut().cast(),
        flags: 0,
    }
}

/// Hands out the 2.40 table.
///
/// # Safety
/// The pointer contract of [`super`].
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    entry("C_GetFunctionList", || {
        // SAFETY: pointer contract 2.
        unsafe { args::write(list, (&raw const LIST_2_40).cast_mut()) }
    })
}

/// Lists the interfaces.
///
/// # Safety
/// The pointer contract of [`super`].
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn C_GetInterfaceList(
    list: *mut CK_INTERFACE,
    count: *mut CK_ULONG,
) -> CK_RV {
    entry("C_GetInterfaceList", || {
        // SAFETY: pointer contract 2.
        unsafe { args::list(INTERFACES.0.iter().copied(), list, count) }
    })
}

/// Hands out the newest interface that has the name, the version and the flags asked for; NULL
/// asks for none.
///
/// # Safety
/// The pointer contract of [`super`].
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn C_GetInterface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    interface: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> CK_RV {
    entry("C_GetInterface", || {
        args::present(interface)?;
        // SAFETY: pointer contract 1.
        let named = name.is_null() || unsafe { is_our_name(name) }?;
        let wanted = match version.is_null() {
            true => None,
            // SAFETY: pointer contract 1.
            false => Some(unsafe { args::read(version.cast_const()) }?),
        };
        let found = INTERFACES.0.iter().find(|each| {
            // SAFETY: each of our lists begins with its version.
            let version = unsafe { args::read(each.pFunctionList.cast::<CK_VERSION>()) };
            named && flags & !each.flags == 0 && is(wanted, version)
        });
        let found = found.ok_or(Code::ArgumentsBad)?;
        // SAFETY: pointer contract 2.
        unsafe { args::write(interface, ptr::from_ref(found).cast_mut()) }
    })
}

fn is(wanted: Option<CK_VERSION>, version: Result<CK_VERSION>) -> bool {
    let same = |a: CK_VERSION, b: CK_VERSION| (a.major, a.minor) == (b.major, b.minor);
    wanted.is_none_or(|wanted| version.is_ok_and(|version| same(wanted, version)))
}

/// Reads no further than the first difference.
///
/// # Safety
/// The pointer contract of [`super`].
unsafe fn is_our_name(name: *const CK_UTF8CHAR) -> Result<bool> {
    for (place, byte) in NAME.iter().enumerate() {
        // SAFETY: pointer contract 1; what came before was no NUL.
        if unsafe { args::read(name.wrapping_add(place)) }? != *byte {
            return Ok(false);
        }
    }
    Ok(true)
}
