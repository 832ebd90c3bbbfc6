//! Real servers on loopback, PixelCraft's data and writer with its ledger, and disasters. For the demo and the tests.

pub mod disaster;
pub mod guard;
pub mod pixelcraft;
pub mod server;
