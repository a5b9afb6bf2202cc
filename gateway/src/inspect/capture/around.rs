//! Interfaces that come, go down, and go.

use std::time::Instant;

use super::error::CaptureError;
use super::interfaces::interfaces;
use super::ring::Ring;
use super::{BLOCKS, BLOCKS_MIN, BLOCKS_OF_ALL, INTERFACES_MAX, Live};

impl Live {
    /// Opens those interfaces that are up and are not captured on yet.
    pub(super) fn open_new(&mut self) -> Result<(), CaptureError> {
        let mut new = interfaces()?;
        new.retain(|it| it.is_up && it.link.is_ok() && !self.captures_on(&it.name));
        new.truncate(INTERFACES_MAX.saturating_sub(self.rings.len()));
        let count = (self.rings.len() + new.len()).max(1);
        let blocks = (BLOCKS_OF_ALL / count).clamp(BLOCKS_MIN, BLOCKS);
        for interface in new {
            match Ring::open(&interface, self.ring_options(blocks)) {
                Ok(ring) => self.rings.push(ring),
                // It has gone since it was listed.
                Err(CaptureError::Vanished { .. } | CaptureError::Down { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn captures_on(&self, name: &str) -> bool {
        self.rings.iter().any(|ring| ring.name() == name)
    }

    pub(super) fn look_around(&mut self) -> Result<(), CaptureError> {
        self.looked_around = Instant::now();
        self.counts()?;
        if self.rings.iter().any(Ring::is_down) {
            self.look_for_interfaces()?;
        }
        match self.is_any() {
            true => self.open_new(),
            false => Ok(()),
        }
    }

    /// A ring may have failed; whether its interface is down since now.
    pub(super) fn failed(&mut self, index: usize) -> Result<bool, CaptureError> {
        let ring = &mut self.rings[index];
        let was_down = ring.is_down();
        if let Err(error) = ring.check() {
            self.gone(index, error);
            return Ok(false);
        }
        let is_down = ring.is_down();
        if is_down {
            self.look_for_interfaces()?;
        }
        Ok(is_down && !was_down)
    }

    /// Whether interfaces that went down are up again, or gone.
    fn look_for_interfaces(&mut self) -> Result<(), CaptureError> {
        let there = interfaces()?;
        for index in (0..self.rings.len()).rev() {
            let ring = &mut self.rings[index];
            if ring.is_down()
                && let Err(error) = ring.look_for(&there)
            {
                self.gone(index, error);
            }
        }
        Ok(())
    }

    /// A ring has no more frames. Of `any` the others go on.
    fn gone(&mut self, index: usize, why: CaptureError) {
        if !self.is_any() {
            self.failure.get_or_insert(why);
            return self.end();
        }
        let mut ring = self.rings.swap_remove(index);
        self.gone = self.gone.plus(ring.counts().unwrap_or_default());
    }
}
