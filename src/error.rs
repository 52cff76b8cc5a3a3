//! What can go wrong, in PKCS#11's words. Imports no layer: each layer converts its own errors.
#![forbid(unsafe_code)]

use std::error::Error as StdError;
use std::fmt;

use cryptoki_sys::*;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $rv:ident,)*) => {
        /// Every answer but `CKR_OK` that this library gives.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// The `CK_RV` of this code.
            pub(crate) fn rv(self) -> CK_RV {
                match self { $(Self::$name => $rv,)* }
            }

            /// Its name in the standard, for the log.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($rv),)* }
            }
        }
    };
}

codes! {
    ActionProhibited = CKR_ACTION_PROHIBITED,
    /// The host passed a pointer or a length that no call of this kind can have.
    ArgumentsBad = CKR_ARGUMENTS_BAD,
    AttributeReadOnly = CKR_ATTRIBUTE_READ_ONLY,
    AttributeSensitive = CKR_ATTRIBUTE_SENSITIVE,
    AttributeTypeInvalid = CKR_ATTRIBUTE_TYPE_INVALID,
    AttributeValueInvalid = CKR_ATTRIBUTE_VALUE_INVALID,
    BufferTooSmall = CKR_BUFFER_TOO_SMALL,
    CryptokiAlreadyInitialized = CKR_CRYPTOKI_ALREADY_INITIALIZED,
    CryptokiNotInitialized = CKR_CRYPTOKI_NOT_INITIALIZED,
    CurveNotSupported = CKR_CURVE_NOT_SUPPORTED,
    DataInvalid = CKR_DATA_INVALID,
    DataLenRange = CKR_DATA_LEN_RANGE,
    DeviceError = CKR_DEVICE_ERROR,
    DeviceRemoved = CKR_DEVICE_REMOVED,
    EncryptedDataInvalid = CKR_ENCRYPTED_DATA_INVALID,
    EncryptedDataLenRange = CKR_ENCRYPTED_DATA_LEN_RANGE,
    FunctionFailed = CKR_FUNCTION_FAILED,
    FunctionNotParallel = CKR_FUNCTION_NOT_PARALLEL,
    FunctionNotSupported = CKR_FUNCTION_NOT_SUPPORTED,
    FunctionRejected = CKR_FUNCTION_REJECTED,
    /// A defect of ours: a panic, or a state that should not exist.
    GeneralError = CKR_GENERAL_ERROR,
    HostMemory = CKR_HOST_MEMORY,
    KeyFunctionNotPermitted = CKR_KEY_FUNCTION_NOT_PERMITTED,
    KeyHandleInvalid = CKR_KEY_HANDLE_INVALID,
    KeyIndigestible = CKR_KEY_INDIGESTIBLE,
    KeyNotWrappable = CKR_KEY_NOT_WRAPPABLE,
    KeySizeRange = CKR_KEY_SIZE_RANGE,
    KeyTypeInconsistent = CKR_KEY_TYPE_INCONSISTENT,
    KeyUnextractable = CKR_KEY_UNEXTRACTABLE,
    MechanismInvalid = CKR_MECHANISM_INVALID,
    MechanismParamInvalid = CKR_MECHANISM_PARAM_INVALID,
    NoEvent = CKR_NO_EVENT,
    ObjectHandleInvalid = CKR_OBJECT_HANDLE_INVALID,
    OperationActive = CKR_OPERATION_ACTIVE,
    OperationNotInitialized = CKR_OPERATION_NOT_INITIALIZED,
    PinIncorrect = CKR_PIN_INCORRECT,
    PinLenRange = CKR_PIN_LEN_RANGE,
    PinLocked = CKR_PIN_LOCKED,
    SessionAsyncNotSupported = CKR_SESSION_ASYNC_NOT_SUPPORTED,
    SessionExists = CKR_SESSION_EXISTS,
    SessionHandleInvalid = CKR_SESSION_HANDLE_INVALID,
    SessionParallelNotSupported = CKR_SESSION_PARALLEL_NOT_SUPPORTED,
    SessionReadOnly = CKR_SESSION_READ_ONLY,
    SessionReadOnlyExists = CKR_SESSION_READ_ONLY_EXISTS,
    SessionReadWriteSoExists = CKR_SESSION_READ_WRITE_SO_EXISTS,
    SignatureInvalid = CKR_SIGNATURE_INVALID,
    SignatureLenRange = CKR_SIGNATURE_LEN_RANGE,
    SlotIdInvalid = CKR_SLOT_ID_INVALID,
    TemplateIncomplete = CKR_TEMPLATE_INCOMPLETE,
    TemplateInconsistent = CKR_TEMPLATE_INCONSISTENT,
    TokenNotRecognized = CKR_TOKEN_NOT_RECOGNIZED,
    UnwrappingKeyHandleInvalid = CKR_UNWRAPPING_KEY_HANDLE_INVALID,
    UnwrappingKeyTypeInconsistent = CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    UserAlreadyLoggedIn = CKR_USER_ALREADY_LOGGED_IN,
    UserAnotherAlreadyLoggedIn = CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
    UserNotLoggedIn = CKR_USER_NOT_LOGGED_IN,
    UserPinNotInitialized = CKR_USER_PIN_NOT_INITIALIZED,
    UserTypeInvalid = CKR_USER_TYPE_INVALID,
    WrappedKeyInvalid = CKR_WRAPPED_KEY_INVALID,
    WrappedKeyLenRange = CKR_WRAPPED_KEY_LEN_RANGE,
    WrappingKeyHandleInvalid = CKR_WRAPPING_KEY_HANDLE_INVALID,
    WrappingKeySizeRange = CKR_WRAPPING_KEY_SIZE_RANGE,
    WrappingKeyTypeInconsistent = CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $constant:literal, $text:literal;)*) => {
        /// What `CK_SESSION_INFO.ulDeviceError` says beyond the `CK_RV`. Numbers are on a public list
        /// (`include/zeq_byok.h`) and never used again for something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub(crate) enum Reason { $($(#[$doc])* $name = $number,)* }

        impl Reason {
            /// Name in the header, number.
            #[cfg(test)]
            pub(crate) const ALL: &'static [(&'static str, u32)] = &[$(($constant, $number),)*];
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

reasons! {
    /// The `CK_RV` says it all.
    None = 0, "ZEQ_REASON_NONE", "no more to say";
    NotAnEnvelope = 1, "ZEQ_REASON_NOT_AN_ENVELOPE", "not an envelope, or one that is cut or re-encoded";
    EnvelopeDamaged = 2, "ZEQ_REASON_ENVELOPE_DAMAGED", "the envelope was changed after it was sealed";
    WrongKind = 3, "ZEQ_REASON_WRONG_KIND", "an envelope of another kind (key, data, token)";
    OtherSibling = 4, "ZEQ_REASON_OTHER_SIBLING", "sealed to another sibling";
    WindowClosed = 5, "ZEQ_REASON_WINDOW_CLOSED", "the window has closed";
    WindowNotOpen = 6, "ZEQ_REASON_WINDOW_NOT_OPEN", "the window is not open yet";
    GateClosed = 7, "ZEQ_REASON_GATE_CLOSED", "outside the gate of the phase";
    #[expect(dead_code, reason = "reserved for witnesses of the time")]
    ClockNotTrusted = 8, "ZEQ_REASON_CLOCK_NOT_TRUSTED", "the clock is away from its witnesses";
    ClockSetBack = 9, "ZEQ_REASON_CLOCK_SET_BACK", "the clock was set back; start hosts after time synchronisation, or run `zeq-byok clock accept`";
    NoWitness = 10, "ZEQ_REASON_NO_WITNESS", "no witness of the time answered, and the configuration requires one";
    ContextMismatch = 11, "ZEQ_REASON_CONTEXT_MISMATCH", "the associated data are not those it was sealed with";
    BadWindow = 12, "ZEQ_REASON_BAD_WINDOW", "a window that closes before it opens or has closed already";
    BadParameters = 13, "ZEQ_REASON_BAD_PARAMETERS", "parameters of an unknown version, or with unknown flags";
    ProviderRefused = 14, "ZEQ_REASON_PROVIDER_REFUSED", "the sibling's provider said no";
    ProviderUnreachable = 15, "ZEQ_REASON_PROVIDER_UNREACHABLE", "too few siblings answered in time";
    ProviderCredentials = 16, "ZEQ_REASON_PROVIDER_CREDENTIALS", "the provider refused the credentials";
    MaterialTooSimple = 17, "ZEQ_REASON_MATERIAL_TOO_SIMPLE", "the key material is under the floor of CS87";
    StoreNotWritable = 18, "ZEQ_REASON_STORE_NOT_WRITABLE", "store not writable";
    StoreUnsafe = 19, "ZEQ_REASON_STORE_UNSAFE", "the store or the configuration may be written by others, or belongs to someone else";
    StoreNewer = 20, "ZEQ_REASON_STORE_NEWER", "the store was made by a newer version";
    StoreDamaged = 21, "ZEQ_REASON_STORE_DAMAGED", "a row of the store was changed from outside";
    StoreFailed = 22, "ZEQ_REASON_STORE_FAILED", "the store could not be read or written";
    TokenReplaced = 23, "ZEQ_REASON_TOKEN_REPLACED", "the token was initialised again by another process";
    Configuration = 24, "ZEQ_REASON_CONFIGURATION", "the configuration is wrong";
    TooWide = 25, "ZEQ_REASON_TOO_WIDE", "the window would be wider than the key's own";
    CannotRestore = 26, "ZEQ_REASON_CANNOT_RESTORE", "an attribute of the key cannot be restored from an envelope";
    Panic = 27, "ZEQ_REASON_PANIC", "a defect in this library";
}

type Source = Box<dyn StdError + Send + Sync>;

/// A code for the host, a reason for `ulDeviceError`, and for the log what neither can say.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) code: Code,
    pub(crate) reason: Reason,
    pub(crate) source: Option<Source>,
}

impl Error {
    pub(crate) fn new(code: Code, reason: Reason) -> Self {
        Self {
            code,
            reason,
            source: None,
        }
    }

    /// The same with its cause, for the log. Causes never hold secrets.
    pub(crate) fn because(self, source: impl Into<Source>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code, Reason::None)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.name())?;
        if self.reason != Reason::None {
            write!(f, ": {}", self.reason)?;
        }
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
