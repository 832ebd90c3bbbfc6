//! Sealing by itself: what was sealed opens for each recipient and for nobody else, and nothing that was done to it passes
//! for contents.

use std::io::Read;

use age::secrecy::ExposeSecret;
use plimsoll::seal::{Head, Identity, Keys, Recipient, Sealing};
use proptest::prelude::*;

/// A new identity: its secret text, and itself.
pub fn new_identity() -> (String, Identity) {
    let secret = age::x25519::Identity::generate().to_string().expose_secret().to_string();
    let identity = secret.parse().expect("an identity");
    (secret, identity)
}

/// Keys that seal for some, and open with some.
pub fn keys(recipients: &[&Identity], identities: &[&Identity]) -> Keys {
    let recipients: Vec<Recipient> = recipients.iter().map(|identity| identity.recipient().clone()).collect();
    Keys::new(recipients, identities.iter().map(|identity| (*identity).clone()).collect())
}

fn opened(sealed: &[u8], keys: &Keys) -> Result<Vec<u8>, String> {
    let mut source = sealed;
    let head = Head::read(&mut source).map_err(|error| error.to_string())?;
    let mut reader = head.open(source, keys, "it").map_err(|fault| fault.to_string())?;
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).map_err(|error| error.to_string())?;
    Ok(plain)
}

/// Where the chunks of an age file begin.
fn chunks(sealed: &[u8]) -> Vec<usize> {
    let mut source = sealed;
    Head::read(&mut source).expect("a head");
    (sealed.len() - source.len()..sealed.len()).step_by((64 << 10) + 16).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_sealed_in_pieces_opens_for_each_recipient_and_for_nobody_else(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90_000), 0..4)
    ) {
        let ((_, one), (_, two), (_, other)) = (new_identity(), new_identity(), new_identity());
        let mut sealing = Sealing::begin(keys(&[&one, &two], &[]).recipients()).expect("begins");
        let mut sealed = Vec::new();
        for piece in &pieces {
            sealed.extend_from_slice(&sealing.push(piece).expect("seals"));
        }
        sealed.extend_from_slice(&sealing.finish().expect("ends"));
        for identity in [&one, &two] {
            prop_assert_eq!(opened(&sealed, &keys(&[], &[&other, identity])), Ok(pieces.concat()));
        }
        prop_assert!(opened(&sealed, &keys(&[], &[&other])).is_err());
        prop_assert!(opened(&sealed, &Keys::default()).is_err());
    }

    #[test]
    fn no_byte_of_a_sealed_object_can_be_changed_and_none_left_out(
        length in 0_usize..200_000, place in any::<prop::sample::Index>(), bit in 0_u32..8
    ) {
        let (_, identity) = new_identity();
        let keys = keys(&[&identity], &[&identity]);
        let plain: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let sealed = Sealing::whole(keys.recipients(), &plain).expect("seals").to_vec();
        let place = place.index(sealed.len());
        let mut flipped = sealed.clone();
        flipped[place] ^= 1 << bit;
        prop_assert!(opened(&flipped, &keys).is_err(), "bit {bit} of byte {place}");
        prop_assert!(opened(&sealed[..place], &keys).is_err(), "cut at {place}");
        prop_assert!(opened(&[&sealed[..], b"x"].concat(), &keys).is_err(), "longer");
    }
}

#[test]
fn chunks_that_are_left_out_doubled_or_put_in_another_order_never_pass() {
    let (_, identity) = new_identity();
    let keys = keys(&[&identity], &[&identity]);
    let plain: Vec<u8> = (0..300_000_u32).map(|i| (i % 253) as u8).collect();
    let sealed = Sealing::whole(keys.recipients(), &plain).expect("seals").to_vec();
    let starts = chunks(&sealed);
    assert_eq!(starts.len(), 5);
    let chunk = |n: usize| &sealed[starts[n]..starts.get(n + 1).copied().unwrap_or(sealed.len())];
    let made_of = |order: &[usize]| {
        [&sealed[..starts[0]], &order.iter().map(|n| chunk(*n)).collect::<Vec<_>>().concat()].concat()
    };
    assert_eq!(opened(&made_of(&[0, 1, 2, 3, 4]), &keys), Ok(plain), "put together as it was, it opens");
    for order in [&[1, 0, 2, 3, 4][..], &[0, 1, 3, 2, 4], &[0, 1, 2, 3], &[0, 1, 2], &[0, 4], &[0, 0, 1, 2, 3, 4], &[]]
    {
        assert!(opened(&made_of(order), &keys).is_err(), "{order:?}");
    }
}

#[test]
fn a_header_without_an_end_is_refused_before_it_fills_memory() {
    let endless = b"age-encryption.org/v1\n-> X25519 ".iter().copied().chain(std::iter::repeat_n(b'a', 10 << 20));
    let endless: Vec<u8> = endless.collect();
    let mut source = endless.as_slice();
    assert!(Head::read(&mut source).is_err());
    assert!(endless.len() - source.len() < 1 << 20, "{} bytes were read", endless.len() - source.len());
}

#[test]
fn a_file_of_identities_is_read_as_age_writes_it_and_no_message_repeats_it() {
    let (secret, identity) = new_identity();
    let text = format!("# created: 2026-11-26\n# public key: {}\n\n  {secret}\n", identity.recipient());
    let read = Identity::read_all(&text, "`key.txt`").expect("reads");
    assert_eq!(read.iter().map(Identity::recipient).collect::<Vec<_>>(), [identity.recipient()]);
    assert!(!format!("{read:?} {:?}", keys(&[&identity], &[&identity])).contains(&secret[20..40]));
    let cut = &secret[..secret.len() - 1];
    for (text, says) in [
        (format!("# mine\n{cut}"), "line 2"),
        (identity.recipient().to_string(), "recipient"),
        ("# nothing\n".to_string(), "no identity"),
        ("age-encryption.org/v1\n".to_string(), "itself encrypted"),
    ] {
        let refused = format!("{:?}", Identity::read_all(&text, "`key.txt`").expect_err("refused"));
        assert!(refused.contains(says) && !refused.contains(&secret[20..40]), "{refused}");
    }
    let swapped = secret.parse::<Recipient>().expect_err("an identity is no recipient");
    assert!(swapped.contains("secret") && !swapped.contains(&secret[20..40]), "{swapped}");
}
