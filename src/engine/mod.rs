//! The work itself: back up, capture, sync, restore, drill. Talks to traits only and tells what it does as events.

pub mod backup;
pub mod capture;
pub mod chain;
pub mod compare;
pub mod compress;
pub mod content;
pub mod download;
pub mod drill;
pub mod dump;
pub mod event;
pub mod extjson;
pub mod foreign;
pub mod gather;
pub mod head_count;
pub mod index_book;
pub mod lag;
pub mod lease;
pub mod loader;
pub mod metadata;
pub mod phases;
pub mod pieces;
pub mod pipeline;
pub mod plan;
pub mod points;
pub mod record;
pub mod replay;
pub mod restore;
pub mod rewrite;
pub mod route;
pub mod selection;
pub mod sync;
pub mod transfer;
pub mod translate;
pub mod unpack;
pub mod unpacked;

pub use event::{Event, Listener};
