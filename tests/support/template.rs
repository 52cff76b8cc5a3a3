//! Attribute templates that own their bytes.

use cryptoki_sys::*;

#[derive(Clone, Default)]
pub(crate) struct Template {
    values: Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>,
    /// Templates inside this one, as attributes that point into it.
    nested: Vec<(CK_ATTRIBUTE_TYPE, Self)>,
}

/// A template with its class.
pub(crate) fn of_class(class: CK_OBJECT_CLASS) -> Template {
    Template::default().number(CKA_CLASS, class)
}

/// A secret key's template, without a value.
pub(crate) fn secret(key_type: CK_KEY_TYPE) -> Template {
    of_class(CKO_SECRET_KEY).number(CKA_KEY_TYPE, key_type)
}

/// An AES session key that does everything and can be read.
pub(crate) fn open_aes() -> Template {
    usages(secret(CKK_AES))
        .no(CKA_SENSITIVE)
        .yes(CKA_EXTRACTABLE)
}

/// Every usage of a secret key set to TRUE.
pub(crate) fn usages(template: Template) -> Template {
    [
        CKA_ENCRYPT,
        CKA_DECRYPT,
        CKA_SIGN,
        CKA_VERIFY,
        CKA_WRAP,
        CKA_UNWRAP,
        CKA_DERIVE,
    ]
    .into_iter()
    .fold(template, Template::yes)
}

impl Template {
    pub(crate) fn bytes(mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.values.push((kind, value.to_vec()));
        self
    }

    pub(crate) fn text(self, kind: CK_ATTRIBUTE_TYPE, value: &str) -> Self {
        self.bytes(kind, value.as_bytes())
    }

    pub(crate) fn flag(self, kind: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        self.bytes(kind, &[u8::from(value)])
    }

    pub(crate) fn yes(self, kind: CK_ATTRIBUTE_TYPE) -> Self {
        self.flag(kind, true)
    }

    pub(crate) fn no(self, kind: CK_ATTRIBUTE_TYPE) -> Self {
        self.flag(kind, false)
    }

    pub(crate) fn number(self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// CKA_ALLOWED_MECHANISMS and its like.
    pub(crate) fn numbers(self, kind: CK_ATTRIBUTE_TYPE, values: &[CK_ULONG]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        self.bytes(kind, &bytes)
    }

    pub(crate) fn template(mut self, kind: CK_ATTRIBUTE_TYPE, inner: Self) -> Self {
        self.nested.push((kind, inner));
        self
    }

    /// The same without one attribute.
    pub(crate) fn without(mut self, kind: CK_ATTRIBUTE_TYPE) -> Self {
        self.values.retain(|(k, _)| *k != kind);
        self
    }

    /// What is handed to a C function; valid while `self` is neither moved nor changed.
    pub(crate) fn attributes(&mut self) -> Attributes {
        let mut list: Vec<CK_ATTRIBUTE> = self.values.iter_mut().map(plain).collect();
        let mut inner = Vec::new();
        for (kind, template) in &mut self.nested {
            let mut attributes = template.attributes();
            list.push(CK_ATTRIBUTE {
                type_: *kind,
                pValue: attributes.list.as_mut_ptr().cast(),
                ulValueLen: size_of_val(attributes.list.as_slice()) as CK_ULONG,
            });
            inner.push(attributes);
        }
        Attributes { list, inner }
    }
}

fn plain((kind, value): &mut (CK_ATTRIBUTE_TYPE, Vec<u8>)) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE {
        type_: *kind,
        pValue: value.as_mut_ptr().cast(),
        ulValueLen: value.len() as CK_ULONG,
    }
}

pub(crate) struct Attributes {
    pub(crate) list: Vec<CK_ATTRIBUTE>,
    /// Kept alive: `list` points into it.
    inner: Vec<Self>,
}

impl Attributes {
    /// Never NULL, not even for no attributes: SoftHSM refuses that.
    pub(crate) fn pointer(&mut self) -> *mut CK_ATTRIBUTE {
        self.list.as_mut_ptr()
    }

    pub(crate) fn len(&self) -> CK_ULONG {
        self.list.len() as CK_ULONG
    }
}
