//! What a number of drills can show, and no more.

/// A lower bound, with 95 % confidence, on the part of restores that succeed, from `passed` of `all` drills: the one-sided
/// Clopper–Pearson bound, the p at which so many or more successes have a probability of 5 %. With no failure it is
/// 0.05^(1/n).
pub fn succeeds_at_least(passed: usize, all: usize) -> f64 {
    if passed == 0 || passed > all {
        return 0.0;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // Each halving is a bit: 60 of them are more than a double tells apart.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_least(passed, all, middle) < UNSURE { low = middle } else { high = middle }
    }
    low
}

/// Clean drills that show a part of `share`: the least n with 0.05^(1/n) ≥ share.
pub fn clean_drills_for(share: f64) -> Option<u32> {
    let needed = (UNSURE.ln() / share.ln()).ceil();
    (needed.is_finite() && needed < 1e6).then_some(needed.max(1.0) as u32)
}

const UNSURE: f64 = 0.05;

/// The probability of `k` or more successes in `n` at probability `p` each.
fn at_least(k: usize, n: usize, p: f64) -> f64 {
    let (mut total, mut choose) = (0.0_f64, 0.0_f64);
    // log C(n, i) step by step from i = n downwards.
    for i in (k..=n).rev() {
        total += (choose + i as f64 * p.ln() + (n - i) as f64 * (1.0 - p).ln()).exp();
        choose += (i as f64).ln() - ((n - i + 1) as f64).ln();
    }
    total.min(1.0)
}
