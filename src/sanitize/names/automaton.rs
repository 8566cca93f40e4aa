//! All listed names at once: the automaton of Aho and Corasick, flattened into one table.

use std::collections::VecDeque;

use super::Listed;

pub(super) struct Automaton {
    /// The column of the table that a letter belongs to; 0 for letters of no name.
    columns: [u8; 256],
    /// The same for the bytes of a name as it is written: [`SKIP`], [`STOP`] or a column.
    written: [u16; 256],
    width: usize,
    /// Where the row of the next state begins, by state and column; with [`HIT`] if names end there.
    next: Vec<u32>,
    /// Where in `hits` the hits of a state end; those of state 0 are none.
    hit_ends: Vec<u32>,
    /// Length and meaning of the names that end in a state.
    hits: Vec<(usize, Listed)>,
}

/// A separator.
const SKIP: u16 = 256;
/// A byte that has to be decoded first.
const STOP: u16 = 257;
const HIT: u32 = 1 << 31;

impl Automaton {
    /// Nothing, if the names take more states than there are numbers for.
    pub(super) fn new(names: &[(Vec<u8>, Listed)]) -> Option<Self> {
        let (columns, width) = columns(names);
        let column = |byte: u8| usize::from(columns[usize::from(byte)]);
        let mut next = vec![0_u16; width];
        let mut own: Vec<Vec<(usize, Listed)>> = vec![Vec::new()];
        for (name, listed) in names {
            let mut state = 0;
            for &byte in name {
                let cell = state * width + column(byte);
                if next[cell] == 0 {
                    next[cell] = u16::try_from(own.len()).ok()?;
                    own.push(Vec::new());
                    next.resize(next.len() + width, 0);
                }
                state = usize::from(next[cell]);
            }
            own[state].push((name.len(), *listed));
        }
        complete(&mut next, &mut own, width);
        let next = next
            .iter()
            .map(|state| {
                let hit = if own[usize::from(*state)].is_empty() {
                    0
                } else {
                    HIT
                };
                (u32::from(*state) * width as u32) | hit
            })
            .collect();
        let mut hits = Vec::new();
        let mut hit_ends = Vec::with_capacity(own.len());
        for found in own {
            hits.extend(found);
            hit_ends.push(u32::try_from(hits.len()).ok()?);
        }
        Some(Self {
            columns,
            written: written(&columns),
            width,
            next,
            hit_ends,
            hits,
        })
    }

    /// Start, end and meaning of every listed name in `letters`, overlapping ones included.
    pub(super) fn hits(&self, letters: &[u8]) -> impl Iterator<Item = (usize, usize, Listed)> {
        let mut state = 0_usize;
        letters.iter().enumerate().flat_map(move |(at, &letter)| {
            let column = usize::from(self.columns[usize::from(letter)]);
            state = (self.next[state + column] & !HIT) as usize;
            self.of(state / self.width)
                .iter()
                .map(move |&(length, listed)| (at + 1 - length, at + 1, listed))
        })
    }

    /// Whether a listed name may lie in this one: the quick answer for the
    /// many names that hold none, whatever their words.
    pub(super) fn may_hit(&self, name: &[u8]) -> bool {
        let mut state = 0_usize;
        for &byte in name {
            let column = self.written[usize::from(byte)];
            if column >= SKIP {
                if column == STOP {
                    return true;
                }
                continue;
            }
            let next = self.next[state + usize::from(column)];
            if next & HIT != 0 {
                return true;
            }
            state = next as usize;
        }
        false
    }

    fn of(&self, state: usize) -> &[(usize, Listed)] {
        if state == 0 {
            return &[];
        }
        &self.hits[self.hit_ends[state - 1] as usize..self.hit_ends[state] as usize]
    }
}

fn columns(names: &[(Vec<u8>, Listed)]) -> ([u8; 256], usize) {
    let mut columns = [0; 256];
    let mut width = 1_usize;
    for &byte in names.iter().flat_map(|(name, _)| name) {
        let column = &mut columns[usize::from(byte)];
        if *column == 0 {
            // Never more than 255: UTF-8 leaves some bytes unused.
            *column = width as u8;
            width += 1;
        }
    }
    (columns, width)
}

fn written(columns: &[u8; 256]) -> [u16; 256] {
    std::array::from_fn(|byte| match byte as u8 {
        b'%' | 0x80.. => STOP,
        byte if byte.is_ascii_alphanumeric() => {
            u16::from(columns[usize::from(byte.to_ascii_lowercase())])
        }
        _ => SKIP,
    })
}

/// Fills the empty cells of a trie with where a search goes on after a
/// mismatch, level by level, so that each state's fallback is complete before it is needed.
fn complete(next: &mut [u16], own: &mut [Vec<(usize, Listed)>], width: usize) {
    let mut fallback = vec![0_usize; own.len()];
    let mut waiting: VecDeque<usize> = VecDeque::from([0]);
    while let Some(state) = waiting.pop_front() {
        for column in 0..width {
            let cell = state * width + column;
            let after_mismatch = if state == 0 {
                0
            } else {
                next[fallback[state] * width + column]
            };
            let child = usize::from(next[cell]);
            if child == 0 {
                next[cell] = after_mismatch;
                continue;
            }
            fallback[child] = usize::from(after_mismatch);
            let inherited = own[fallback[child]].clone();
            own[child].extend(inherited);
            waiting.push_back(child);
        }
    }
}
