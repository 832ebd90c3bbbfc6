//! Ctrl-C and SIGTERM, as one request to stop.

use crate::base::{Fault, Result};

/// Listens from now on; ready when the user or the system asks to stop.
#[cfg(unix)]
pub fn asked_to_stop() -> Result<impl Future<Output = ()> + Send + use<>> {
    use tokio::signal::unix::{SignalKind, signal};
    let cannot = |error| Fault::bug("cannot listen for signals").because(error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
pub fn asked_to_stop() -> Result<impl Future<Output = ()> + Send + use<>> {
    Ok::<_, Fault>(async {
        // Without a handler the system ends the process itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
