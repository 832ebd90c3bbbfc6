//! Owned random streams, addressed by `(seed, trial)`: a counter-based generator, so that any split of the trials over
//! threads or machines draws the same numbers. SplitMix64's output function (Steele, Lea and Flood 2014) over a
//! Weyl sequence whose start is a hash of seed and trial.

/// One trial's stream of numbers.
#[derive(Debug, Clone)]
pub struct Stream {
    state: u64,
}

/// All forks of one stream.
#[derive(Debug, Clone, Copy)]
pub struct Forks(u64);

impl Forks {
    #[inline]
    pub fn of(self, label: u64) -> Stream {
        Stream { state: mix(self.0.wrapping_add(label.wrapping_mul(GOLDEN))) }
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// Keeps the forks of a stream apart from its own numbers: the fractional bits of the square root of 2.
const FORK: u64 = 0x6A09_E667_F3BC_C908;

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Stream {
    #[inline]
    pub fn new(seed: u64, trial: u64) -> Self {
        Stream { state: mix(mix(seed.wrapping_add(GOLDEN)).wrapping_add(trial.wrapping_mul(GOLDEN))) }
    }

    /// The stream for part `label` of what this one is for. It depends on this stream's own place alone, and leaves
    /// that place as it is, so a part that draws more numbers does not move the numbers of the parts after it: plans
    /// that differ in one thing can be compared with common random numbers.
    #[inline]
    pub fn fork(&self, label: u64) -> Self {
        self.forks().of(label)
    }

    /// The same for many labels.
    #[inline]
    pub fn forks(&self) -> Forks {
        Forks(mix(self.state ^ FORK))
    }

    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in [0, 1), from the upper 53 bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in 0..n without modulo bias worth measuring (Lemire's multiplication); 0 when n is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    /// Standard normal, by Box and Muller's transform (one of the pair is dropped: simplicity over a division).
    pub fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }

    /// Gamma with the given shape and scale 1, by Marsaglia and Tsang's method (2000). A shape that is no positive
    /// number has all its mass at 0.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if !(shape.is_finite() && shape > 0.0) {
            return 0.0;
        }
        if shape < 1.0 {
            let boost = self.uniform().max(f64::MIN_POSITIVE).powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v <= 0.0 {
                continue;
            }
            let u = self.uniform().max(f64::MIN_POSITIVE);
            if u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta(a, b), as a ratio of gammas. Where both shapes are so small that both gammas vanish, a coin with the
    /// distribution's mean decides: that is the limit.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let x = self.gamma(a);
        let y = self.gamma(b);
        if x + y > 0.0 {
            return x / (x + y);
        }
        if self.uniform() * (a + b) < a { 1.0 } else { 0.0 }
    }
}
