//! The accumulators: exact sums, quantiles within 0.2 %, and merging that forgets how the work was split.

use plimsoll::base::rng::Stream;
use plimsoll::sim::Estimate;
use plimsoll::sim::loss::{Share, Sketch};
use plimsoll::sim::mix::{self, Mix, Part};
use proptest::prelude::*;

fn sketch(values: &[u64]) -> Sketch {
    let mut sketch = Sketch::default();
    values.iter().for_each(|v| sketch.add(*v));
    sketch
}

fn part(sketch: &Sketch) -> Part<'_> {
    Part { chance: 1.0, years: sketch.count(), values: sketch }
}

fn mix(values: &[u64]) -> Mix {
    Mix::of(&[part(&sketch(values))])
}

proptest! {
    #[test]
    fn any_split_in_any_order_merges_to_the_same_sketch(
        values in prop::collection::vec(any::<u64>().prop_map(|v| v >> (v % 64)), 0..200),
        cut in 0_usize..200,
    ) {
        let (left, right) = values.split_at(cut.min(values.len()));
        let (mut forwards, mut backwards) = (sketch(left), sketch(right));
        forwards.merge(&sketch(right));
        backwards.merge(&sketch(left));
        prop_assert_eq!(&forwards, &sketch(&values));
        prop_assert_eq!(&backwards, &sketch(&values));
    }

    #[test]
    fn quantiles_and_tail_means_agree_with_sorting(
        mut values in prop::collection::vec(0_u64..10_000_000_000, 1..300),
        q in 0.01_f64..1.0,
    ) {
        let sketch = mix(&values);
        values.sort_unstable();
        let rank = ((q * values.len() as f64).ceil() as usize).max(1);
        let exact = values[rank - 1] as f64;
        let said = sketch.quantile(q).unwrap();
        prop_assert!((said - exact).abs() <= exact / 500.0 + 1e-9, "{} against {}", said, exact);
        let worst = values[values.len() - 1] as f64;
        let tail = sketch.tail_mean(1e-9).unwrap().mean;
        prop_assert!((tail - worst).abs() <= worst / 500.0 + 1e-9);
        let mean = values.iter().sum::<u64>() as f64 / values.len() as f64;
        prop_assert!((sketch.tail_mean(1.0).unwrap().mean - mean).abs() <= mean * 1e-12);
    }

    #[test]
    fn exceedance_falls_from_its_first_point_and_ends_at_zero(
        values in prop::collection::vec(0_u64..10_000_000, 1..500),
    ) {
        let curve = mix(&values).exceedance(60);
        prop_assert!(curve.len() <= 60);
        prop_assert!(curve.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 >= w[1].1));
        let positive = values.iter().filter(|v| **v > 0).count() as f64 / values.len() as f64;
        prop_assert!((curve[0].1 - positive).abs() < 1e-12);
        if positive > 0.0 {
            prop_assert_eq!(curve[curve.len() - 1].1, 0.0);
        }
    }
}

#[test]
fn nothing_says_nothing() {
    let empty = mix(&[]);
    assert!(Sketch::default().mean().is_none() && empty.quantile(0.5).is_none() && empty.tail_mean(0.05).is_none());
    assert!(empty.quantile_error(0.5).is_none() && empty.exceedance(60).is_empty());
    assert!(mix::ratio([(1.0, 0, &Share::default())].into_iter()).is_none());
    assert!(mix::mean_of_years(&[part(&Sketch::default())]).is_none());
}

#[test]
fn one_value_is_its_own_every_quantile() {
    let mean = Estimate { mean: 7_200_000.0, standard_error: 0.0 };
    let one = mix::spans(&[part(&sketch(&[7_200_000]))], Some(mean)).unwrap();
    assert_eq!([one.mean.0, one.p50.0, one.p90.0, one.p95.0, one.p99.0, one.worst.0], [7_200_000; 6]);
    assert_eq!(one.standard_error.0, 0);
}

#[test]
fn the_error_of_a_share_covers_years_that_hang_together() {
    // Each year is wholly good or wholly bad, 5 incidents each: as uncertain as the number of years, not of incidents.
    let mut stream = Stream::new(1, 0);
    let mut share = Share::default();
    for _ in 0..10_000 {
        share.add(if stream.uniform() < 0.3 { 5 } else { 0 }, 5);
    }
    let estimate = mix::ratio([(1.0, 10_000, &share)].into_iter()).unwrap();
    let by_years = (0.3_f64 * 0.7 / 10_000.0).sqrt();
    assert!((estimate.standard_error - by_years).abs() < by_years * 0.05, "{estimate:?}");
    assert!((estimate.mean - 0.3).abs() < 4.0 * by_years);
}
