//! The price book: the built-in one is whole and right, and a broken one says what is wrong with it.

use plimsoll::cost::{Grade, PriceBook, book};

fn aws() -> PriceBook {
    book::builtin("aws-us-east-1").expect("built in and valid")
}

fn close(said: f64, wanted: f64) {
    assert!((said - wanted).abs() < 1e-9 * wanted.max(1.0), "{said}, wanted {wanted}");
}

#[test]
fn a_month_of_614_400_gb_goes_through_three_tiers() {
    close(aws().item("s3-standard", "gb-month").unwrap().cost(614_400.0), 13_465.60);
}

#[test]
fn a_tier_ends_where_the_next_begins() {
    let book = aws();
    let standard = book.item("s3-standard", "gb-month").unwrap();
    close(standard.cost(0.0), 0.0);
    close(standard.cost(51_200.0), 1_177.60);
    close(standard.cost(51_201.0), 1_177.622);
    let atlas = book.item("atlas-continuous", "gb-month").unwrap();
    close(atlas.cost(5.0), 0.0);
    close(atlas.cost(600.0), 95.0 + 112.5 + 125.0 + 25.0);
}

#[test]
fn an_archived_volume_of_100_gib_costs_what_the_seller_says() {
    let book = aws();
    let archive = book.item("ebs-snapshot-archive", "gb-month").unwrap();
    let gb = book.gb(100.0 * f64::from(1 << 30));
    close(archive.cost(gb), 1.25);
    close(book.item("ebs-snapshot-restore", "gb").unwrap().cost(gb), 3.00);
    close(archive.days_billed(40.0) - 40.0, 50.0);
    close(archive.days_billed(120.0), 120.0);
}

#[test]
fn every_figure_of_the_reference_is_in_the_book_with_its_grade() {
    let book = aws();
    let wanted = [
        ("s3-standard-ia", "gb-month", 0.0125, Grade::Published),
        ("s3-one-zone-ia", "gb-month", 0.0100, Grade::Mirrored),
        ("s3-glacier-instant", "gb-month", 0.0040, Grade::Mirrored),
        ("s3-glacier-flexible", "gb-month", 0.0036, Grade::Mirrored),
        ("s3-glacier-deep-archive", "gb-month", 0.00099, Grade::Published),
        ("s3-put", "request", 0.000005, Grade::Published),
        ("s3-get", "request", 0.0000004, Grade::Published),
        ("s3-put-ia", "request", 0.00001, Grade::Mirrored),
        ("s3-put-glacier-instant", "request", 0.00002, Grade::Mirrored),
        ("s3-put-glacier", "request", 0.00003, Grade::Mirrored),
        ("s3-put-deep-archive", "request", 0.00005, Grade::Mirrored),
        ("s3-retrieval-ia", "gb", 0.01, Grade::Mirrored),
        ("s3-retrieval-glacier-instant", "gb", 0.03, Grade::Mirrored),
        ("s3-retrieval-glacier", "gb", 0.01, Grade::Mirrored),
        ("s3-retrieval-deep-archive", "gb", 0.02, Grade::Mirrored),
        ("egress-internet", "gb", 0.09, Grade::Mirrored),
        ("ebs-snapshot", "gb-month", 0.05, Grade::Published),
        ("atlas-m30", "hour", 0.54, Grade::Published),
        ("atlas-snapshot", "gb-month", 0.14, Grade::Unverified),
    ];
    for (name, unit, price, grade) in wanted {
        let item = book.item(name, unit).unwrap();
        close(item.cost(1.0), price);
        assert_eq!(item.grade, grade, "{name}");
    }
    assert_eq!(book.item("s3-standard-ia", "gb-month").unwrap().minimum_object_bytes, 128 * 1024);
    assert_eq!(book.item("s3-glacier-flexible", "gb-month").unwrap().overhead_bytes, 40 * 1024);
    assert_eq!(book.item("s3-glacier-deep-archive", "gb-month").unwrap().minimum_days, 180);
}

const SMALL: &str = r#"
name = "own"
currency = "EUR"
read_on = "2026-11-01"
default_class = "disk"
[price.disk]
unit = "gb-month"
grade = "published"
tiers = [{ up_to = 10, price = 1.0 }, { price = 0.5 }]
"#;

#[test]
fn a_small_book_of_ones_own_is_enough() {
    let book = book::parse(SMALL).unwrap();
    close(book.item("disk", "gb-month").unwrap().cost(12.0), 11.0);
    close(book.gb(2e9), 2.0);
}

#[test]
fn a_wrong_book_says_what_is_wrong() {
    let cases = [
        ("grade = \"published\"", "grade = \"published\"\ncolour = 1", "unknown field `colour`"),
        ("\"gb-month\"", "\"month\"", "unknown unit `month`"),
        ("price = 0.5", "price = -0.5", "at least zero"),
        ("price = 0.5", "price = nan", "at least zero"),
        ("{ up_to = 10, price = 1.0 }, { price = 0.5 }", "", "no tier"),
        ("{ price = 0.5 }", "{ up_to = 20, price = 0.5 }", "the last tier has an upper bound"),
        ("up_to = 10, price = 1.0 }", "price = 1.0 }", "only the last tier may leave out"),
        ("up_to = 10", "up_to = 0", "above the one before"),
        ("default_class = \"disk\"", "default_class = \"tape\"", "no item `tape` (per gb-month)"),
        ("unit =", "put = \"write\"\nunit =", "no item `write` (per request)"),
        ("unit =", "get = \"disk\"\nunit =", "`disk` is priced per gb-month, not per request"),
    ];
    for (from, to, wanted) in cases {
        let text = SMALL.replacen(from, to, 1);
        let fault = book::parse(&text).expect_err(wanted);
        assert!(fault.what.contains(wanted), "{} should say {wanted}", fault.what);
    }
}
