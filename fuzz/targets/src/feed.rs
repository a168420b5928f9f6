//! The revocation feed. An input is a page as it is on the wire (it begins with the magic), or `S` and steps on a
//! [`RevocationSet`], or `M` and steps on a whole Envoy with two workers that is told pages. Steps are four bytes each:
//! what to do, and three numbers. Beside each runs a model that is a plain map.

use crate::fake::FakeEnvoy;
use crate::jwt::{NOW, claims};
use crate::keys;
use crate::mesh::{self, FEED, outcome};
use bearward_token::feed::{ALWAYS, Entry, MAX_PAGE, Page, PageRef, Subject};
use bearward_token::revocation::RevocationSet;
use bearward_token::verify::Handle;
use serde_json::json;
use std::collections::HashMap;
use std::sync::OnceLock;

/// See the module.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((b'S', steps)) => set(steps),
        Some((b'M', steps)) => mesh(steps),
        _ => page(data),
    }
}

/// What is read is what would be written, byte by byte.
fn page(bytes: &[u8]) {
    let Ok(page) = PageRef::parse(bytes) else { return };
    let entries: Vec<_> = page.entries().collect();
    assert_eq!((page.len(), page.is_empty()), (entries.len(), entries.is_empty()));
    let cursor = page.cursor.to_owned();
    let written = Page { more: page.more, reset: page.reset, now_ms: page.now_ms, cursor, entries }.encode();
    assert_eq!(written.as_deref(), Some(bytes));
    assert!(bytes.len() <= MAX_PAGE);
}

/// What was said of a key: up to which `iat` tokens are revoked, and until when that is of any use.
#[derive(Default)]
struct Model {
    said: HashMap<u64, Vec<(u32, u32)>>,
}

impl Model {
    fn apply(&mut self, entry: &Entry, now: u64) {
        if u64::from(entry.expires_at) > now {
            self.said.entry(entry.key).or_default().push((entry.cutoff, entry.expires_at));
        }
    }

    /// Whether a token is revoked for certain; `None` if it may be taken for it: what has expired may be forgotten or not,
    /// and of several cutoffs the greatest holds.
    fn is_revoked(&self, key: u64, iat: u64, now: u64) -> Option<bool> {
        let covers = |cutoff: u32| cutoff == ALWAYS || iat <= u64::from(cutoff);
        let said = self.said.get(&key).map(Vec::as_slice).unwrap_or_default();
        if said.iter().any(|(cutoff, expires_at)| covers(*cutoff) && u64::from(*expires_at) > now) {
            return Some(true);
        }
        // A set keeps 52 bits of a key.
        let near = self.said.iter().filter(|(other, _)| *other >> 12 == key >> 12);
        let possible = near.flat_map(|(_, said)| said).any(|(cutoff, _)| covers(*cutoff));
        if possible { None } else { Some(false) }
    }
}

/// Where an entry's expiry is, from a byte: the past, soon, days, or beyond what a packed entry holds.
fn expiry(now: u64, byte: u8) -> u32 {
    let seconds = match byte {
        0..=15 => return u32::try_from(now).unwrap_or(u32::MAX).saturating_sub(u32::from(byte)),
        16..=127 => u32::from(byte) * 64,
        128..=199 => u32::from(byte) * 1_024,
        200..=239 => u32::from(byte) * 15_000,
        _ => u32::from(byte) * 100_000,
    };
    u32::try_from(now).unwrap_or(u32::MAX).saturating_add(seconds)
}

fn cutoff(now: u64, byte: u8) -> u32 {
    if byte & 3 == 3 { u32::try_from(now).unwrap_or(u32::MAX) - u32::from(byte) } else { ALWAYS }
}

/// A key from a byte: some differ in their lowest bits only, which a set does not keep, and some lie side by side.
fn key(byte: u8) -> u64 {
    match byte >> 6 {
        0 => u64::from(byte),
        1 => u64::from(byte) << 12,
        2 => u64::MAX - (u64::from(byte) << 12),
        _ => Subject::Token(&byte.to_string()).key(),
    }
}

fn set(steps: &[u8]) {
    let (mut set, mut model, mut now) = (RevocationSet::default(), Model::default(), NOW);
    let (mut bulk, mut applied, mut filler) = (0_u32, 0, 0x9e37_79b9_u64);
    for step in steps.as_chunks::<4>().0.iter().take(64) {
        let [what, a, b, c] = *step;
        let generation = set.generation();
        match what % 5 {
            0 | 1 => {
                let entries: Vec<_> = (0..=b & 7)
                    .map(|n| Entry { key: key(a.wrapping_add(n)), cutoff: cutoff(now, b), expires_at: expiry(now, c) })
                    .collect();
                entries.iter().for_each(|entry| model.apply(entry, now));
                applied += entries.len();
                let live = entries.iter().any(|entry| u64::from(entry.expires_at) > now);
                set.apply(entries.into_iter(), now);
                assert_eq!(set.generation() > generation, live, "a verdict of before must not be taken for one of now");
            }
            2 => now += u64::from(a) * 64 + u64::from(b),
            3 => set.maintain(now),
            // Other entries, so many and so close together that leaves are cut in two and joined again.
            _ => {
                let count = (u32::from(a) * 16).min(20_000_u32.saturating_sub(bulk));
                bulk += count;
                applied += count as usize;
                let entries: Vec<_> = (0..count)
                    .map(|_| {
                        filler = filler.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                        // Keys that no step has: those are small, large or digests of numbers. Their uppermost byte is one of four.
                        Entry { key: filler >> 6 | 1 << 62, cutoff: ALWAYS, expires_at: expiry(now, c) }
                    })
                    .collect();
                for entries in entries.chunks(4_000) {
                    set.apply(entries.iter().copied(), now);
                }
            }
        }
        assert!(set.len() <= applied);
        for byte in 0..=u8::MAX {
            for iat in [now, now - 100] {
                let handle = Handle { keys: [None, Some(key(byte)), None, None], exchanged_from: [].into(), iat };
                if let Some(expected) = model.is_revoked(key(byte), iat, now) {
                    assert_eq!(set.is_revoked(&handle), expected, "key {byte} at {}", now - NOW);
                }
            }
        }
    }
    assert!(!set.is_revoked(&Handle { keys: [None; 4], exchanged_from: [].into(), iat: 0 }));
}

/// As many tokens as there are in the steps' pages.
const TOKENS: usize = 4;

fn tokens() -> &'static [String; TOKENS] {
    static TOKENS_SIGNED: OnceLock<[String; TOKENS]> = OnceLock::new();
    TOKENS_SIGNED.get_or_init(|| {
        std::array::from_fn(|n| {
            let mut claims = claims();
            claims["jti"] = format!("t{n}").into();
            claims["gid"] = format!("g{}", n / 2).into();
            claims["exp"] = (NOW + 1_000_000).into();
            keys::token("k1", &json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" }), &claims)
        })
    })
}

fn mesh(steps: &[u8]) {
    let config = mesh::config().to_string();
    let mut envoy = mesh::ready(2, &config, &[]);
    // What holds, and what a snapshot that is on its way says.
    let (mut model, mut building): (Model, Option<Model>) = (Model::default(), None);
    for (number, step) in steps.as_chunks::<4>().0.iter().take(40).enumerate() {
        let [what, a, b, c] = *step;
        match what % 6 {
            // A page: whether it resets, whether there is more, whom it is about, and how many others.
            0..=2 => {
                if let [_] = envoy.calls(FEED).as_slice() {
                    let now = envoy.world.now_ms.get() / 1_000;
                    let (reset, more) = (a & 1 != 0, a & 2 != 0);
                    let subject = match c & 3 {
                        0 => Subject::Token(["t0", "t1", "t2", "t3"][usize::from(a >> 6)]),
                        1 => Subject::Grant(["g0", "g1"][usize::from(a >> 7)]),
                        2 => Subject::Client("demo"),
                        _ => Subject::Person("nobody"),
                    };
                    let expires_at = u32::try_from(now).unwrap() + 500_000;
                    let mut entries = vec![Entry { key: subject.key(), cutoff: cutoff(now, b), expires_at }];
                    entries.extend((0..u64::from(c) * 12).map(|n| Entry {
                        key: Subject::Token(&format!("other {number} {n}")).key(),
                        cutoff: ALWAYS,
                        expires_at,
                    }));
                    if reset {
                        building = Some(Model::default());
                    }
                    let model_of_it = building.as_mut().unwrap_or(&mut model);
                    model_of_it.apply(&entries[0], now);
                    envoy.answer(FEED, 200, &mesh::page(reset, more, &format!("c{number}"), &entries));
                    if !more && let Some(built) = building.take() {
                        model = built;
                    }
                }
            }
            3 => {
                if let [_] = envoy.calls(FEED).as_slice() {
                    // Nothing of this says anything; a leader begins again where it was, or with a snapshot.
                    let (status, body): (u16, &[u8]) =
                        [(503, b"".as_slice()), (200, b"BWR1 junk"), (0, b""), (410, b"")][usize::from(a & 3)];
                    envoy.answer(FEED, status, body);
                    if status == 410 {
                        building = None;
                        rebuild(&mut envoy, &mut model, number);
                    }
                }
            }
            4 => envoy.pass(u64::from(a) * 10),
            _ => {
                let led = lease(&envoy);
                envoy.vms[usize::from(a & 1)].root.step_down();
                // One that does not lead has nothing to give up.
                if lease(&envoy) != led {
                    building = None;
                    envoy.world.calls.borrow_mut().retain(|call| !call.path.starts_with(FEED));
                    // What a snapshot had said so far is forgotten with its leader; the next one asks for it anew.
                    rebuild(&mut envoy, &mut model, number);
                }
            }
        }
        keep_keys(&mut envoy);
        agree(&mut envoy, &model, building.is_some());
    }
}

/// Who leads, as the VMs tell each other.
fn lease(envoy: &FakeEnvoy) -> Option<Vec<u8>> {
    let shared = envoy.world.shared.borrow();
    shared.iter().find(|(key, _)| key.ends_with("/lease")).map(|(_, (lease, _))| lease.clone())
}

/// A leader that asks for a snapshot is given one of the model, as a feed would.
fn rebuild(envoy: &mut FakeEnvoy, model: &mut Model, number: usize) {
    envoy.pass(2_500);
    keep_keys(envoy);
    if let [call] = envoy.calls(FEED).as_slice()
        && !call.path.contains("after=")
    {
        let said = model.said.iter().flat_map(|(key, said)| said.iter().map(|said| (*key, *said)));
        let entries: Vec<_> = said.map(|(key, (cutoff, expires_at))| Entry { key, cutoff, expires_at }).collect();
        envoy.answer(FEED, 200, &mesh::page(true, false, &format!("r{number}"), &entries));
    }
}

fn keep_keys(envoy: &mut FakeEnvoy) {
    if let [_] = envoy.calls(mesh::JWKS).as_slice() {
        envoy.answer(mesh::JWKS, 200, keys::jwks().to_string().as_bytes());
    }
}

/// Each worker says of each token what the model says; but it may say that it does not know.
fn agree(envoy: &mut FakeEnvoy, model: &Model, building: bool) {
    let now = envoy.world.now_ms.get() / 1_000;
    for vm in 0..2 {
        // It reads the log a little at a time.
        for _ in 0..8 {
            envoy.tick(vm);
        }
        for (n, token) in tokens().iter().enumerate() {
            let authorization = format!("Bearer {token}");
            let request: [(&str, &[u8]); 3] =
                [(":method", b"GET"), (":path", b"/orders/1"), ("authorization", authorization.as_bytes())];
            let id = envoy.send(vm, &request);
            let verdict = outcome(&envoy.stream(vm, id));
            let keys = [
                Subject::Token(&format!("t{n}")).key(),
                Subject::Grant(&format!("g{}", n / 2)).key(),
                Subject::Client("demo").key(),
                Subject::Person("alice").key(),
            ];
            let said: Vec<_> = keys.iter().map(|key| model.is_revoked(*key, NOW, now)).collect();
            if said.contains(&Some(true)) {
                assert!(verdict != 200, "a revoked token gets through (vm {vm}, t{n}, building {building})");
            } else if said.iter().all(|said| *said == Some(false)) {
                assert!(verdict != 401, "a token that was not revoked is refused (vm {vm}, t{n}, building {building})");
            }
            envoy.drop_stream(vm, id);
        }
    }
}
