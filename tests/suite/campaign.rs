//! What the campaign against S3 is made of: cases, each a call and what becomes of it, on a way between the program with
//! its retries and a real server. The calls are counted by the program, not by hand.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use plimsoll::base::{Fault, FaultKind};
use plimsoll::port::ObjectStore;
use plimsoll::store;

use super::proxied::{Deed, Proxied};
use super::scripted::{Request, answer};
use super::servers;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Busy,
    Broken,
    Cut,
    LoseAnswer,
    CutAnswer,
    Slow,
    /// This text as the answer to a request that never arrived.
    Says(&'static str),
    /// This text as the answer to a request that was served.
    SaysInstead(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    Once,
    /// From this call on.
    Ever,
    /// From this call on, until [`STORM`] is over.
    Storm,
}

/// One case: which of the calls that count, from 0.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub at: usize,
    pub trouble: Trouble,
    pub lasting: Lasting,
}

/// All that a network and a server do in passing.
pub const PASSING: [Trouble; 6] =
    [Trouble::Busy, Trouble::Broken, Trouble::Cut, Trouble::LoseAnswer, Trouble::CutAnswer, Trouble::Slow];
/// What they may go on doing.
pub const STAYING: [Trouble; 4] = [Trouble::Busy, Trouble::Broken, Trouble::Cut, Trouble::LoseAnswer];
/// A rush of requests of others, by which a server is busy for a while.
const STORM: Duration = Duration::from_secs(4);

impl Trouble {
    fn deed(self) -> Deed {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>as the script says</Message></Error>");
        match self {
            Trouble::Busy => Deed::Answer(answer(503, &error("SlowDown"))),
            Trouble::Broken => Deed::Answer(answer(500, &error("InternalError"))),
            Trouble::Cut => Deed::Cut,
            Trouble::LoseAnswer => Deed::LoseAnswer,
            Trouble::CutAnswer => Deed::CutAnswer,
            Trouble::Slow => Deed::Wait(Duration::from_millis(400)),
            Trouble::Says(text) => Deed::Answer(answer(200, text)),
            Trouble::SaysInstead(text) => Deed::AnswerInstead(answer(200, text)),
        }
    }
}

impl Case {
    /// Every call, each with each trouble.
    pub fn all(calls: usize, troubles: &[Trouble], lasting: Lasting) -> Vec<Case> {
        let cases = (0..calls).flat_map(|at| troubles.iter().map(move |&trouble| Case { at, trouble, lasting }));
        cases.collect()
    }

    fn meets(&self, call: usize, began: &OnceLock<Instant>) -> bool {
        match self.lasting {
            _ if call < self.at => false,
            Lasting::Once => call == self.at,
            Lasting::Ever => true,
            Lasting::Storm => began.get_or_init(Instant::now).elapsed() < STORM,
        }
    }
}

/// A way to the store at `url` on which a case happens, among those calls that count.
pub struct Way {
    pub store: Arc<dyn ObjectStore>,
    calls: Arc<AtomicUsize>,
    was_met: Arc<AtomicBool>,
}

impl Way {
    pub async fn to(url: &str, case: Option<Case>, counts: fn(&Request) -> bool) -> Way {
        let (calls, was_met): (Arc<AtomicUsize>, Arc<AtomicBool>) = Default::default();
        let (count, met, began) = (Arc::clone(&calls), Arc::clone(&was_met), OnceLock::new());
        let proxied = Proxied::start(&servers::s3().await.options(), move |request| {
            if !counts(request) {
                return Deed::Pass;
            }
            let call = count.fetch_add(1, Ordering::SeqCst);
            match case.filter(|case| case.meets(call, &began)) {
                Some(case) => {
                    met.store(true, Ordering::SeqCst);
                    case.trouble.deed()
                }
                None => Deed::Pass,
            }
        })
        .await;
        Way { store: store::open(url, &proxied.options).await.expect("opens"), calls, was_met }
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn was_met(&self) -> bool {
        self.was_met.load(Ordering::SeqCst)
    }
}

pub fn every(_: &Request) -> bool {
    true
}

/// A failure that a person can do something about.
pub fn assert_told(fault: &Fault, case: Case) {
    assert_eq!(fault.kind, FaultKind::Unreachable, "{case:?}: {fault:?}");
    assert!(fault.help.is_some(), "{case:?} without help: {fault:?}");
}

/// How many of the cases were met. Most of their time is waiting, so many are tried side by side.
pub async fn tried<F: Future<Output = bool>>(cases: Vec<Case>, at_once: usize, one: impl Fn(Case) -> F) -> usize {
    let met: Vec<bool> = stream::iter(cases).map(one).buffer_unordered(at_once).collect().await;
    met.into_iter().filter(|met| *met).count()
}

/// A prefix of its own, by its address and directly.
pub async fn place(bucket: &str) -> (String, Arc<dyn ObjectStore>) {
    let url = format!("s3://{bucket}/{}", servers::unique("case"));
    let direct = store::open(&url, &servers::s3().await.options()).await.expect("opens");
    (url, direct)
}
