//! The maps that are open, by address, so that memory tells of which file it is whoever has come to own it.
//!
//! A map stays where it is as long as it lives, no two live ones overlap, and a map is forgotten before it is unmapped: memory that is alive and whose
//! address lies in a live map is memory of that map.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::file::Mapping;

/// By the first address. No code of anybody else's runs while it is locked.
static MAPS: RwLock<BTreeMap<usize, Weak<Mapping>>> = RwLock::new(BTreeMap::new());

/// Notes a map that has just been opened.
pub(super) fn note(mapping: &Arc<Mapping>) {
    let mut maps = MAPS.write().unwrap_or_else(PoisonError::into_inner);
    maps.insert(mapping.addresses().start, Arc::downgrade(mapping));
}

/// Forgets a map that is about to be unmapped.
pub(super) fn forget(mapping: &Mapping) {
    let mut maps = MAPS.write().unwrap_or_else(PoisonError::into_inner);
    maps.remove(&mapping.addresses().start);
}

/// The map that an address lies in.
pub(super) fn at(address: usize) -> Option<Arc<Mapping>> {
    let maps = MAPS.read().unwrap_or_else(PoisonError::into_inner);
    let (_, mapping) = maps.range(..=address).next_back()?;
    let mapping = mapping.upgrade();
    // The last claim may go here, which locks once more.
    drop(maps);
    mapping.filter(|mapping| mapping.addresses().contains(&address))
}
