//! The C ABI: one file per chapter of the PKCS#11 function list.
