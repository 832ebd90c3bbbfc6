//! A look at what the store says it holds, before anything names it.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::base::{Fault, Result};
use crate::port::ObjectStore;
use crate::repository::ObjectEntry;

/// Objects asked after at once.
const AT_ONCE: usize = 16;

/// Asks the store after every object, so that a manifest never names what is not there in full.
pub async fn all(store: &dyn ObjectStore, objects: &[ObjectEntry]) -> Result<()> {
    let looks = objects.iter().map(|object| async move {
        match store.head(&object.key).await? {
            Some(info) if info.bytes == object.bytes => Ok(()),
            Some(info) => {
                let (key, held, bytes) = (&object.key, info.bytes, object.bytes);
                Err(Fault::corrupt(format!("`{key}` was stored with {held} of {bytes} bytes")))
            }
            None => Err(Fault::corrupt(format!("`{}` was stored and is not there", object.key))),
        }
    });
    stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await
}
