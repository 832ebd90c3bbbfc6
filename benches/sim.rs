//! How many incidents of PixelCraft's whole plan a second simulates: `cargo bench --bench sim -- [YEARS] [ROUNDS]`.
//!
//! One line of JSON a round, so that `benches/sim.sh` can set it beside the same model in vectorised numpy.

macro_rules! say {
    ($($told:tt)*) => {{
        // A reader that closed the pipe is no fault.
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($told)*)));
    }};
}

use std::time::Instant;

use plimsoll::policy::{self, SourceText};
use plimsoll::sim::{Options, campaign};
use plimsoll::timeline::Basis;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse().ok());
    let (years, rounds): (u64, u64) = (numbers.next().unwrap_or(3_000_000), numbers.next().unwrap_or(3));
    let source = SourceText::new("pixelcraft.toml", include_str!("../policies/pixelcraft.toml"));
    let policy = policy::parse(source).expect("a policy");
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let as_of = "2026-11-23T00:00:00Z".parse().expect("an instant");
    for seed in 0..rounds {
        let options = Options { seed, years, basis: Basis::Declared, threads, as_of };
        let began = Instant::now();
        let simulation = campaign::run(&policy, None, &options);
        let seconds = began.elapsed().as_secs_f64();
        let annual = simulation.annual.expect("loss rates").expected;
        say!(
            "{{\"years\": {}, \"incidents\": {}, \"seconds\": {seconds:.4}, \"threads\": {threads}, \"expected\": {:.2}, \
             \"standard_error\": {:.2}}}",
            simulation.years,
            simulation.incidents,
            annual.mean,
            annual.standard_error
        );
    }
}
