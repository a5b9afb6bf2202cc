//! Reads the fields of a hello's body one after the other.

use super::Malformed;

/// Bytes still to be read; an error names the field that was cut short.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .0
            .split_at_checked(len)
            .ok_or(Malformed::Truncated(field))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], Malformed> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Malformed::Truncated(field))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).copied().map(u16::from_be_bytes)
    }

    pub(crate) fn vec8(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.take(1, field)?[0];
        self.take(usize::from(len), field)
    }

    pub(crate) fn vec16(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u16(field)?;
        self.take(usize::from(len), field)
    }

    pub(crate) fn extension(&mut self) -> Result<(u16, &'a [u8]), Malformed> {
        Ok((self.u16("extensions")?, self.vec16("extensions")?))
    }
}
