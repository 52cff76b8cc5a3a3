//! The objects that this process knows of a token, by handle. A handle is never used twice, and a
//! token object has the same one in every session (rule 19). Looked up without a global lock.
#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use cryptoki_sys::*;
use parking_lot::{Mutex, RwLock};

use super::attribute::Attributes;
use super::sealed::Material;
use crate::store::ObjectId;

/// An object as it was when it was looked up: a change makes a new one.
pub(crate) struct Object {
    pub(crate) handle: CK_OBJECT_HANDLE,
    pub(crate) home: Home,
    pub(crate) attributes: Attributes,
    pub(crate) material: Arc<Material>,
    /// The row's tag of `CKA_TRUSTED` (formats.md §4.8).
    pub(crate) trusted: Option<Vec<u8>>,
    /// CLOCK_BOOTTIME when the store was last asked for it, in nanoseconds (token objects).
    pub(crate) checked: AtomicI64,
}

/// Where an object lives, and with whom it dies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Session(CK_SESSION_HANDLE),
    Row {
        id: ObjectId,
        revision: u64,
    },
    /// Made of the configuration: KEKs and profiles.
    Fixed,
}

/// What is known of a handle.
pub(crate) enum Place {
    Loaded(Arc<Object>),
    /// Found in the store, not read yet.
    Known(ObjectId),
}

const SHARDS: usize = 16;

/// Handles of the whole process: one of another token is never valid here.
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Default)]
pub(crate) struct Heap {
    shards: [RwLock<HashMap<CK_OBJECT_HANDLE, Place>>; SHARDS],
    rows: Mutex<HashMap<ObjectId, CK_OBJECT_HANDLE>>,
    session: RwLock<Index>,
}

/// Session objects by what they are searched for.
#[derive(Default)]
struct Index {
    all: BTreeSet<CK_OBJECT_HANDLE>,
    by: HashMap<(CK_ATTRIBUTE_TYPE, Vec<u8>), BTreeSet<CK_OBJECT_HANDLE>>,
}

/// The types that session objects are indexed by.
const INDEXED: [CK_ATTRIBUTE_TYPE; 2] = [CKA_ID, CKA_LABEL];

impl Object {
    /// One that the configuration makes.
    pub(crate) fn fixed(attributes: Attributes) -> Self {
        Self {
            handle: new_handle(),
            home: Home::Fixed,
            attributes,
            material: Arc::new(Material::none()),
            trusted: None,
            checked: AtomicI64::new(0),
        }
    }

    pub(crate) fn class(&self) -> CK_OBJECT_CLASS {
        self.attributes
            .number(CKA_CLASS)
            .unwrap_or(CK_UNAVAILABLE_INFORMATION)
    }

    pub(crate) fn key_type(&self) -> Option<CK_KEY_TYPE> {
        self.attributes.number(CKA_KEY_TYPE)
    }

    /// A secret or private key.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.class(), CKO_SECRET_KEY | CKO_PRIVATE_KEY)
    }

    pub(crate) fn in_session(&self) -> Option<CK_SESSION_HANDLE> {
        match self.home {
            Home::Session(session) => Some(session),
            Home::Row { .. } | Home::Fixed => None,
        }
    }
}

/// The number of a new object.
pub(crate) fn new_handle() -> CK_OBJECT_HANDLE {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Heap {
    pub(crate) fn get(&self, handle: CK_OBJECT_HANDLE) -> Option<Place> {
        match self.shard(handle).read().get(&handle)? {
            Place::Loaded(object) => Some(Place::Loaded(Arc::clone(object))),
            Place::Known(id) => Some(Place::Known(*id)),
        }
    }

    /// Puts an object in its place: a new one, or one that takes an old one's.
    pub(crate) fn put(&self, object: Arc<Object>) {
        match object.home {
            Home::Session(_) => self.session.write().add(&object),
            Home::Row { id, .. } => {
                self.rows.lock().insert(id, object.handle);
            }
            Home::Fixed => {}
        }
        let handle = object.handle;
        let old = self
            .shard(handle)
            .write()
            .insert(handle, Place::Loaded(object));
        if let Some(Place::Loaded(old)) = old {
            self.unindex_changed(&old);
        }
    }

    /// Takes the place of an older state of the same row; `false`, and nothing changes, where the
    /// handle was taken away meanwhile (a logout, a deletion).
    pub(crate) fn refresh(&self, object: &Arc<Object>) -> bool {
        match self.shard(object.handle).write().get_mut(&object.handle) {
            Some(place) => {
                *place = Place::Loaded(Arc::clone(object));
                true
            }
            None => false,
        }
    }

    /// Puts `new` in the place of a session object that is still `old`; else `false`.
    pub(crate) fn swap(&self, old: &Arc<Object>, new: &Arc<Object>) -> bool {
        match self.shard(old.handle).write().get_mut(&old.handle) {
            Some(Place::Loaded(now)) if Arc::ptr_eq(now, old) => *now = Arc::clone(new),
            Some(Place::Loaded(_) | Place::Known(_)) | None => return false,
        }
        self.unindex_changed(old);
        true
    }

    /// The handle of a row, a new one if it was not seen before.
    pub(crate) fn handle_of(&self, id: ObjectId) -> CK_OBJECT_HANDLE {
        let mut rows = self.rows.lock();
        if let Some(handle) = rows.get(&id) {
            return *handle;
        }
        let handle = new_handle();
        rows.insert(id, handle);
        // Inside: nobody gets a handle that leads nowhere.
        self.shard(handle).write().insert(handle, Place::Known(id));
        handle
    }

    pub(crate) fn remove(&self, handle: CK_OBJECT_HANDLE) {
        let Some(place) = self.shard(handle).write().remove(&handle) else {
            return;
        };
        match place {
            Place::Known(id) => {
                self.rows.lock().remove(&id);
            }
            Place::Loaded(object) => match object.home {
                Home::Session(_) => self.session.write().remove(&object),
                Home::Row { id, .. } => {
                    self.rows.lock().remove(&id);
                }
                Home::Fixed => {}
            },
        }
    }

    /// Session objects that may match: those of an id or label where one is asked, else all.
    pub(crate) fn session_candidates(&self, asked: &Attributes) -> Vec<Arc<Object>> {
        let index = self.session.read();
        let handles: Vec<_> = match index.narrow(asked) {
            Some(set) => set.iter().copied().collect(),
            None if asked_by_index(asked) => Vec::new(),
            None => index.all.iter().copied().collect(),
        };
        drop(index);
        handles
            .into_iter()
            .filter_map(|handle| self.loaded(handle))
            .collect()
    }

    /// What is loaded: for a logout, and for the fixed objects.
    pub(crate) fn all_loaded(&self) -> Vec<Arc<Object>> {
        let each = |place: &Place| match place {
            Place::Loaded(object) => Some(Arc::clone(object)),
            Place::Known(_) => None,
        };
        self.shards
            .iter()
            .flat_map(|s| s.read().values().filter_map(each).collect::<Vec<_>>())
            .collect()
    }

    /// At logout: private objects' handles die for good (rule 16). What was found and not read may be
    /// private, so it dies too.
    pub(crate) fn forget_private(&self) {
        let dies = |place: &Place| match place {
            Place::Loaded(object) => {
                object.home != Home::Fixed && object.attributes.flag(CKA_PRIVATE)
            }
            Place::Known(_) => true,
        };
        for shard in &self.shards {
            let dead: Vec<_> = {
                let shard = shard.read();
                shard
                    .iter()
                    .filter(|(_, place)| dies(place))
                    .map(|(handle, _)| *handle)
                    .collect()
            };
            dead.into_iter().for_each(|handle| self.remove(handle));
        }
    }

    /// Forgets every row: the token was initialised again.
    pub(crate) fn forget_rows(&self) {
        let handles: Vec<_> = self.rows.lock().values().copied().collect();
        handles.into_iter().for_each(|handle| self.remove(handle));
    }

    fn loaded(&self, handle: CK_OBJECT_HANDLE) -> Option<Arc<Object>> {
        match self.get(handle)? {
            Place::Loaded(object) => Some(object),
            Place::Known(_) => None,
        }
    }

    fn unindex_changed(&self, old: &Object) {
        if old.in_session().is_some() {
            let new = self.loaded(old.handle);
            let mut index = self.session.write();
            index.remove(old);
            if let Some(new) = new {
                index.add(&new);
            }
        }
    }

    fn shard(&self, handle: CK_OBJECT_HANDLE) -> &RwLock<HashMap<CK_OBJECT_HANDLE, Place>> {
        let [first, ..] = &self.shards;
        let place = usize::try_from(handle % SHARDS as u64).unwrap_or(0);
        self.shards.get(place).unwrap_or(first)
    }
}

/// An empty id or label is on too many objects to be worth an index.
fn asked_by_index(asked: &Attributes) -> bool {
    INDEXED
        .iter()
        .any(|kind| asked.bytes(*kind).is_some_and(|bytes| !bytes.is_empty()))
}

impl Index {
    fn add(&mut self, object: &Object) {
        self.all.insert(object.handle);
        for key in keys(object) {
            self.by.entry(key).or_default().insert(object.handle);
        }
    }

    fn remove(&mut self, object: &Object) {
        self.all.remove(&object.handle);
        for key in keys(object) {
            if let Some(set) = self.by.get_mut(&key) {
                set.remove(&object.handle);
                if set.is_empty() {
                    self.by.remove(&key);
                }
            }
        }
    }

    fn narrow(&self, asked: &Attributes) -> Option<&BTreeSet<CK_OBJECT_HANDLE>> {
        INDEXED
            .iter()
            .filter_map(|kind| self.by.get(&(*kind, asked.bytes(*kind)?.to_vec())))
            .min_by_key(|set| set.len())
    }
}

fn keys(object: &Object) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, Vec<u8>)> {
    let value = |kind| {
        object
            .attributes
            .bytes(kind)
            .filter(|bytes| !bytes.is_empty())
    };
    INDEXED
        .into_iter()
        .filter_map(move |kind| Some((kind, value(kind)?.to_vec())))
}
