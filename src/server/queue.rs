//! A line of work that is bounded, fair between requests, and left by those who give up.
//!
//! Items have a weight. Those of one request are spread by their weights, so that a request of one short text does not wait
//! behind all thousand texts of another: self-clocked fair queueing (Golestani 1994), each request one flow. A part of what is taken
//! at a time is what has waited longest: however many small requests come, a large one gets on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// The share of what is taken at a time that goes to what has waited longest: one in so many.
const LONGEST: usize = 4;

/// A line from which threads take work.
pub struct Queue<T> {
    line: Mutex<Line<T>>,
    changed: Condvar,
    capacity: usize,
}

/// When an item is due: by the clock of the line, then in the order of arrival.
type Turn = (u64, u64);

struct Line<T> {
    waiting: BTreeMap<Turn, Waiting<T>>,
    /// The same in the order of arrival.
    arrivals: BTreeSet<(u64, u64)>,
    /// Of all that waits, and of that what counts for the capacity.
    weight: usize,
    counted: usize,
    /// The turn that was taken last.
    clock: u64,
    arrived: u64,
    closed: bool,
}

struct Waiting<T> {
    weight: usize,
    counts: bool,
    item: T,
}

impl<T> Line<T> {
    fn remove(&mut self, turn: Turn) -> Option<(usize, T)> {
        let Waiting { weight, counts, item } = self.waiting.remove(&turn)?;
        self.arrivals.remove(&(turn.1, turn.0));
        self.weight -= weight;
        self.counted -= if counts { weight } else { 0 };
        Some((weight, item))
    }

    /// The next item to take, of which so much weight is taken already.
    fn next(&self, taken: usize, budget: usize) -> Option<Turn> {
        match self.arrivals.first() {
            Some((arrived, due)) if taken < budget / LONGEST => Some((*due, *arrived)),
            _ => self.waiting.keys().next().copied(),
        }
    }
}

/// Why nothing more is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// So much waits already.
    Full(usize),
    /// The server is ending.
    Closed,
}

/// What a request has in a line: what still waits is taken out when this is dropped.
#[must_use = "what waits is taken out of the line when this is dropped"]
pub struct Place<T> {
    queue: Arc<Queue<T>>,
    turns: Vec<Turn>,
}

impl<T> Queue<T> {
    /// A line in which so much weight may wait.
    pub fn new(capacity: usize) -> Arc<Self> {
        let (waiting, arrivals) = (BTreeMap::new(), BTreeSet::new());
        let line = Line { waiting, arrivals, weight: 0, counted: 0, clock: 0, arrived: 0, closed: false };
        Arc::new(Self { line: Mutex::new(line), changed: Condvar::new(), capacity })
    }

    /// Puts the items of a request, each with its weight, into the line: all or none. What is heavier than the whole line is
    /// let in when nothing waits.
    ///
    /// # Errors
    /// When the line is full, or closed.
    pub fn join(self: &Arc<Self>, items: Vec<(usize, T)>) -> Result<Place<T>, Refused> {
        self.join_within(Some(self.capacity), items)
    }

    /// The same where the line is full, too, and without filling it: for what was let into another line already.
    ///
    /// # Errors
    /// When the line is closed.
    pub fn join_anyhow(self: &Arc<Self>, items: Vec<(usize, T)>) -> Result<Place<T>, Refused> {
        self.join_within(None, items)
    }

    fn join_within(self: &Arc<Self>, capacity: Option<usize>, items: Vec<(usize, T)>) -> Result<Place<T>, Refused> {
        let total: usize = items.iter().map(|(weight, _)| weight).sum();
        let mut line = self.line();
        if line.closed {
            return Err(Refused::Closed);
        }
        if line.counted > 0 && capacity.is_some_and(|capacity| line.counted.saturating_add(total) > capacity) {
            return Err(Refused::Full(line.counted));
        }
        let (mut due, mut turns) = (line.clock, Vec::with_capacity(items.len()));
        for (weight, item) in items {
            line.arrived += 1;
            due += weight as u64;
            let turn = (due, line.arrived);
            line.waiting.insert(turn, Waiting { weight, counts: capacity.is_some(), item });
            line.arrivals.insert((turn.1, turn.0));
            turns.push(turn);
        }
        line.weight += total;
        line.counted += if capacity.is_some() { total } else { 0 };
        drop(line);
        self.changed.notify_one();
        Ok(Place { queue: self.clone(), turns })
    }

    /// Waits for work and takes it: what is due first, up to `budget` of weight, one item at least. Where that is not there yet,
    /// waits up to `linger` for more. `None` when the line is closed and empty.
    pub fn take(&self, budget: usize, linger: Duration) -> Option<Vec<T>> {
        let open = |line: &mut Line<T>| line.waiting.is_empty() && !line.closed;
        let mut line = self.line();
        loop {
            line = self.changed.wait_while(line, open).unwrap_or_else(|poisoned| poisoned.into_inner());
            if line.waiting.is_empty() {
                return None;
            }
            if linger.is_zero() {
                break;
            }
            let few = |line: &mut Line<T>| line.weight < budget && !line.closed;
            let waited = self.changed.wait_timeout_while(line, linger, few);
            line = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
            if !line.waiting.is_empty() {
                break;
            }
            // Whoever waited has left.
        }
        let (mut taken, mut weight) = (Vec::new(), 0);
        while let Some(turn) = line.next(weight, budget) {
            let in_turn = line.waiting.keys().next() == Some(&turn);
            if !taken.is_empty() && weight + line.waiting[&turn].weight > budget {
                break;
            }
            if in_turn {
                line.clock = line.clock.max(turn.0);
            }
            let Some((its, item)) = line.remove(turn) else { break };
            weight += its;
            taken.push(item);
        }
        let more = !line.waiting.is_empty();
        drop(line);
        if more {
            self.changed.notify_one();
        }
        Some(taken)
    }

    /// Lets nothing more in; what waits is still taken.
    pub fn close(&self) {
        self.line().closed = true;
        self.changed.notify_all();
    }

    /// How many items wait, and the weight of those that fill the line.
    pub fn waiting(&self) -> (usize, usize) {
        let line = self.line();
        (line.waiting.len(), line.counted)
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        self.line.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T> Place<T> {
    /// Lets what waits stay in the line.
    pub fn keep(mut self) {
        self.turns.clear();
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        let mut line = self.queue.line();
        for turn in &self.turns {
            line.remove(*turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_taken_keeps_to_the_budget_and_its_order() {
        let queue = Queue::new(100);
        let _place = queue.join(vec![(40, 'a'), (40, 'b'), (10, 'c')]).unwrap();
        assert_eq!(queue.waiting(), (3, 90));
        assert_eq!(queue.take(80, Duration::ZERO), Some(vec!['a', 'b']));
        assert_eq!(queue.take(1, Duration::ZERO), Some(vec!['c']), "one at least");
        assert_eq!(queue.waiting(), (0, 0));
    }

    #[test]
    fn a_full_line_lets_nobody_in_and_a_closed_one_neither() {
        let queue = Queue::new(10);
        let heavy = queue.join(vec![(50, 0)]).unwrap();
        assert_eq!(queue.join(vec![(1, 1)]).err(), Some(Refused::Full(50)));
        drop(heavy);
        let _place = queue.join(vec![(5, 2)]).unwrap();
        queue.close();
        assert_eq!(queue.join(vec![(1, 3)]).err(), Some(Refused::Closed));
        assert_eq!(queue.take(10, Duration::ZERO), Some(vec![2]), "what waits is still taken");
        assert_eq!(queue.take(10, Duration::ZERO), None);
    }

    #[test]
    fn whoever_gives_up_leaves() {
        let queue = Queue::new(10);
        let gone = queue.join(vec![(3, 'x'), (3, 'y')]).unwrap();
        let _stays = queue.join(vec![(4, 'z')]).unwrap();
        drop(gone);
        assert_eq!(queue.waiting(), (1, 4));
        assert_eq!(queue.take(100, Duration::ZERO), Some(vec!['z']));
    }

    #[test]
    fn a_small_request_does_not_wait_behind_all_of_a_large_one() {
        let queue = Queue::new(1_000);
        let _large = queue.join((0..50).map(|at| (10, at)).collect()).unwrap();
        assert_eq!(queue.take(20, Duration::ZERO), Some(vec![0, 1]));
        let _small = queue.join(vec![(10, 1_000)]).unwrap();
        assert!(queue.take(20, Duration::ZERO).unwrap().contains(&1_000));
    }

    #[test]
    fn a_large_request_gets_on_however_many_small_ones_come() {
        let queue = Queue::new(usize::MAX);
        let _large = queue.join((0..50).map(|at| (10, at)).collect()).unwrap();
        let (mut places, mut passes, mut left) = (Vec::new(), 0, 50);
        while left > 0 {
            // More come than are taken.
            places.extend((0..20).map(|_| queue.join(vec![(10, 1_000)]).unwrap()));
            left -= queue.take(100, Duration::ZERO).unwrap().into_iter().filter(|item| *item < 50).count();
            passes += 1;
            assert!(passes <= 20, "{left} items of the large request still wait");
        }
        assert!(passes > 5, "the small ones got on, too");
    }

    #[test]
    fn what_is_let_in_anyhow_fills_the_line_for_nobody() {
        let queue = Queue::new(10);
        let _anyhow = queue.join_anyhow(vec![(50, 0)]).unwrap();
        let _place = queue.join(vec![(10, 1)]).unwrap();
        assert_eq!(queue.waiting(), (2, 10));
        assert_eq!(queue.join(vec![(1, 2)]).err(), Some(Refused::Full(10)));
    }

    #[test]
    fn a_thread_that_lingers_takes_what_comes_meanwhile() {
        let queue = Queue::new(100);
        let _first = queue.join(vec![(1, 1)]).unwrap();
        let taken = std::thread::scope(|scope| {
            let taker = scope.spawn(|| queue.take(2, Duration::from_secs(10)));
            std::thread::sleep(Duration::from_millis(20));
            let second = queue.join(vec![(1, 2)]).unwrap();
            let taken = taker.join().unwrap();
            drop(second);
            taken
        });
        assert_eq!(taken, Some(vec![1, 2]));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_comes_twice(
            requests in prop::collection::vec((prop::collection::vec(1usize..30, 1..8), any::<bool>()), 1..20),
            budget in 1usize..60,
        ) {
            let queue = Queue::new(usize::MAX);
            let (mut places, mut expected, mut next) = (Vec::new(), Vec::new(), 0);
            for (weights, leaves) in &requests {
                let items: Vec<_> = weights.iter().map(|weight| { next += 1; (*weight, next) }).collect();
                let place = queue.join(items.clone()).unwrap();
                if *leaves { drop(place) } else {
                    expected.extend(items.iter().map(|(_, item)| *item));
                    places.push(place);
                }
            }
            queue.close();
            let mut taken = Vec::new();
            while let Some(items) = queue.take(budget, Duration::ZERO) { taken.extend(items) }
            taken.sort_unstable();
            prop_assert_eq!(taken, expected);
            prop_assert_eq!(queue.waiting(), (0, 0));
        }
    }
}
