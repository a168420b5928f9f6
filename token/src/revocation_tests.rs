use super::*;
use crate::feed::Subject;
use proptest::prelude::*;
use std::collections::HashMap as Model;

const NOW: u64 = 1_800_000_000;

fn always(key: u64, expires_in: u32) -> Entry {
    Entry { key, cutoff: ALWAYS, expires_at: seconds(NOW) + expires_in }
}

fn handle(key: u64, iat: u64) -> Handle {
    Handle { keys: [Some(key), None, Some(key), None], exchanged_from: [].into(), iat }
}

/// Keys as digests are: spread over the whole range.
fn spread(i: u64) -> u64 {
    i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i << 17).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[test]
fn a_revoked_token_is_revoked_by_each_of_its_names() {
    let keys =
        [Subject::Token("t").key(), Subject::Grant("g").key(), Subject::Client("c").key(), Subject::Person("p").key()];
    for key in keys {
        let mut set = RevocationSet::default();
        assert!(!set.is_revoked(&Handle { keys: keys.map(Some), exchanged_from: [].into(), iat: NOW }));
        set.apply([always(key, 600)].into_iter(), NOW);
        assert!(set.is_revoked(&Handle { keys: keys.map(Some), exchanged_from: [].into(), iat: NOW }));
        assert!(!set.is_revoked(&handle(1, NOW)));
    }
}

#[test]
fn a_cutoff_spares_what_was_issued_later() {
    let mut set = RevocationSet::default();
    let cutoff = |cutoff| Entry { key: 7, cutoff, expires_at: seconds(NOW) + 600 };
    set.apply([cutoff(1000), cutoff(500)].into_iter(), NOW);
    assert!(set.is_revoked(&handle(7, 1000)));
    assert!(!set.is_revoked(&handle(7, 1001)));
    set.apply([cutoff(ALWAYS)].into_iter(), NOW);
    assert!(set.is_revoked(&handle(7, u64::MAX)));
}

#[test]
fn the_generation_goes_up_with_changes_only() {
    let mut set = RevocationSet::default();
    set.apply([].into_iter(), NOW);
    set.apply([Entry { key: 1, cutoff: ALWAYS, expires_at: seconds(NOW) }].into_iter(), NOW);
    assert_eq!((set.generation(), set.len()), (0, 0), "nothing, and what has expired already");
    set.apply([always(spread(1), 600)].into_iter(), NOW);
    assert_eq!(set.generation(), 1);
    let mut other = RevocationSet::default();
    other.apply([always(spread(2), 600)].into_iter(), NOW);
    set.replace(other);
    assert_eq!(set.generation(), 2);
    assert!(set.is_revoked(&handle(spread(2), 0)) && !set.is_revoked(&handle(spread(1), 0)));
}

#[test]
fn what_has_expired_leaves() {
    let mut set = RevocationSet::default();
    let entries = (0..200_000).map(|i| always(spread(i), if i % 2 == 0 { 3_000 } else { 30_000 }));
    let entries: Vec<_> = entries.chain([Entry { key: 9, cutoff: 5, expires_at: seconds(NOW) + 3_000 }]).collect();
    for page in entries.chunks(4_000) {
        set.apply(page.iter().copied(), NOW);
    }
    assert_eq!(set.len(), 200_001);
    let later = NOW + 3_000 + (1 << STEP_BITS);
    for _ in 0..200 {
        set.maintain(later);
    }
    assert_eq!(set.len(), 100_000);
    assert!((0..200_000).filter(|i| i % 2 == 1).all(|i| set.is_revoked(&handle(spread(i), 0))));
    for _ in 0..200 {
        set.maintain(NOW + 60_000);
    }
    assert_eq!(set.len(), 0);
}

#[test]
fn the_later_expiry_of_one_key_holds() {
    for order in [[600, 50_000], [50_000, 600]] {
        let mut set = RevocationSet::default();
        for expires_in in order {
            set.apply([always(5, expires_in)].into_iter(), NOW);
        }
        for _ in 0..10 {
            set.maintain(NOW + 20_000);
        }
        assert!(set.is_revoked(&handle(5, 0)), "{order:?}");
        assert_eq!(set.len(), 1);
    }
}

#[test]
fn an_expiry_beyond_the_horizon_is_kept_apart_and_leaves_in_its_time() {
    let far = 5_000 << STEP_BITS;
    let mut set = RevocationSet::default();
    set.apply([always(spread(5), far), always(spread(6), 600)].into_iter(), NOW);
    // A timer comes by often; this one every four hours.
    for step in 0..350 {
        set.maintain(NOW + step * 14_400);
    }
    for _ in 0..SHARDS * 2 {
        set.maintain(NOW + u64::from(far) - 1);
    }
    assert!(set.is_revoked(&handle(spread(5), 0)) && !set.is_revoked(&handle(spread(6), 0)));
    for _ in 0..SHARDS * 2 {
        set.maintain(NOW + u64::from(far));
    }
    assert!(set.is_empty());
}

#[test]
fn a_million_take_less_than_eight_bytes_each_and_none_moves_more_than_a_leaf() {
    let mut set = RevocationSet::default();
    for page in 0..1_000 {
        set.apply((page * 1_000..(page + 1) * 1_000).map(|i| always(spread(i), 3_600)), NOW);
        assert!(set.leaves.iter().all(|leaf| (1..LEAF).contains(&leaf.len())));
    }
    assert_eq!(set.len(), 1_000_000);
    let bytes: usize = set.leaves.iter().map(Leaf::bytes).sum();
    assert!(bytes < 7_500_000, "{bytes} bytes");
    assert!(set.leaves.iter().flat_map(Leaf::entries).is_sorted());
    for i in (0..1_000_000).step_by(997) {
        assert!(set.is_revoked(&handle(spread(i), 0)));
    }
    assert!((2_000_000..2_100_000).all(|i| !set.is_revoked(&handle(spread(i), 0))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_knows_what_a_map_knows(
        pages in prop::collection::vec((0_u64..5_000, 1_u64..30_000, 0_u32..200_000, any::<bool>()), 1..12),
        steps in 0_usize..5,
    ) {
        let (mut set, mut model) = (RevocationSet::default(), Model::new());
        let mut now = NOW;
        for (first, count, expires_in, plain) in pages {
            now += 700;
            let expires_at = seconds(now) + expires_in;
            let cutoff = if plain { ALWAYS } else { 1_000 };
            let entries: Vec<_> = (first..first + count).map(|i| Entry { key: spread(i) & !0xfff, cutoff, expires_at }).collect();
            for page in entries.chunks(4_000) {
                set.apply(page.iter().copied(), now);
            }
            for entry in entries {
                let known: &mut (u32, u32) = model.entry(entry.key).or_default();
                *known = (known.0.max(cutoff), known.1.max(expires_at));
            }
            for _ in 0..steps {
                set.maintain(now);
            }
        }
        for (key, (cutoff, expires_at)) in model {
            if u64::from(expires_at) > now {
                prop_assert!(set.is_revoked(&handle(key, u64::from(cutoff.min(1_000)))));
            }
        }
        prop_assert!((50_000..50_500).all(|i| !set.is_revoked(&handle(spread(i), 0))));
    }
}
