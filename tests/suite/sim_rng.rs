//! The random streams: right moments, and no trial tells anything about another.

use plimsoll::base::rng::Stream;

/// Mean and variance of `n` draws.
fn moments(n: u64, mut draw: impl FnMut() -> f64) -> (f64, f64) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..n {
        let x = draw();
        sum += x;
        squares += x * x;
    }
    let mean = sum / n as f64;
    (mean, squares / n as f64 - mean * mean)
}

fn close(measured: f64, wanted: f64, error: f64, what: &str) {
    assert!((measured - wanted).abs() <= error, "{what}: {measured}, wanted {wanted} within {error}");
}

const N: u64 = 200_000;

#[test]
fn draws_have_the_moments_of_their_distributions() {
    let mut s = Stream::new(1, 1);
    let (mean, variance) = moments(N, || s.uniform());
    close(mean, 0.5, 0.003, "uniform mean");
    close(variance, 1.0 / 12.0, 0.001, "uniform variance");
    let (mean, variance) = moments(N, || s.exponential());
    close(mean, 1.0, 0.012, "exponential mean");
    close(variance, 1.0, 0.04, "exponential variance");
    let (mean, variance) = moments(N, || s.normal());
    close(mean, 0.0, 0.012, "normal mean");
    close(variance, 1.0, 0.017, "normal variance");
    for shape in [0.5, 1.0, 4.5] {
        let (mean, variance) = moments(N, || s.gamma(shape));
        close(mean, shape, 0.02, "gamma mean");
        close(variance, shape, shape * 0.05, "gamma variance");
    }
    for (a, b) in [(0.5, 3.5), (1.0, 1.0), (2.0, 5.0)] {
        let (mean, variance) = moments(N, || s.beta(a, b));
        let sum: f64 = a + b;
        close(mean, a / sum, 0.003, "beta mean");
        close(variance, a * b / (sum * sum * (sum + 1.0)), 0.002, "beta variance");
    }
}

#[test]
fn the_first_draws_of_consecutive_trials_are_uniform_and_uncorrelated() {
    let first = |trial| Stream::new(7, trial).uniform();
    let mut cells = [0_u32; 100];
    let mut product = 0.0;
    for trial in 0..N {
        let x = first(trial);
        cells[(x * 100.0) as usize] += 1;
        product += (x - 0.5) * (first(trial + 1) - 0.5);
    }
    let expected = N as f64 / 100.0;
    let chi_squared: f64 = cells.iter().map(|c| (f64::from(*c) - expected).powi(2) / expected).sum();
    // 99 degrees of freedom: above 148 once in a thousand.
    assert!(chi_squared < 148.0, "chi-squared of the first draws is {chi_squared}");
    close(product / N as f64 * 12.0, 0.0, 0.01, "correlation of neighbouring trials");
}

#[test]
fn seeds_trials_and_forks_each_give_streams_of_their_own() {
    let mut seen = std::collections::HashSet::new();
    for seed in 0..20 {
        for trial in 0..20 {
            let stream = Stream::new(seed, trial);
            assert!(seen.insert(stream.clone().next_u64()), "a stream repeats");
            for label in 0..20 {
                assert!(seen.insert(stream.fork(label).next_u64()), "a fork repeats");
            }
        }
    }
}

#[test]
fn forks_of_neighbouring_labels_are_uncorrelated() {
    let stream = Stream::new(3, 9);
    let at = |label| stream.fork(label).uniform() - 0.5;
    let product: f64 = (0..N).map(|label| at(label) * at(label + 1)).sum();
    close(product / N as f64 * 12.0, 0.0, 0.01, "correlation of neighbouring forks");
}

#[test]
fn a_fork_leaves_its_stream_where_it_was() {
    let mut a = Stream::new(3, 4);
    let mut b = a.clone();
    b.fork(1).next_u64();
    assert_eq!(a.next_u64(), b.next_u64());
}

#[test]
fn below_stays_below_and_reaches_every_value() {
    let mut s = Stream::new(5, 0);
    let mut seen = [0_u32; 7];
    for _ in 0..70_000 {
        seen[s.below(7) as usize] += 1;
    }
    assert!(seen.iter().all(|n| (9_500..10_500).contains(n)), "{seen:?}");
    assert_eq!(s.below(0), 0);
    assert_eq!(s.below(1), 0);
}

#[test]
fn absurd_shapes_end_and_give_numbers() {
    let mut s = Stream::new(5, 0);
    for shape in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
        assert!(s.gamma(shape).is_finite());
        assert!((0.0..=1.0).contains(&s.beta(shape, shape)));
    }
}
