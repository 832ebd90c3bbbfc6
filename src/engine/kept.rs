//! The store, as the plan asks it to keep what is written now.

use std::ops::Deref;
use std::sync::Arc;

use crate::base::{Result, Terms};
use crate::port::ObjectStore;

/// The store itself where nothing is asked of it, else a view of it.
pub enum Kept<'a> {
    Plain(&'a dyn ObjectStore),
    OnTerms(Arc<dyn ObjectStore>),
}

impl<'a> Deref for Kept<'a> {
    type Target = dyn ObjectStore + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Kept::Plain(store) => *store,
            Kept::OnTerms(store) => store.as_ref(),
        }
    }
}

pub async fn on_terms<'a>(store: &'a dyn ObjectStore, terms: &Terms) -> Result<Kept<'a>> {
    match terms.are_default() {
        true => Ok(Kept::Plain(store)),
        false => store.on_terms(terms).await.map(Kept::OnTerms),
    }
}
