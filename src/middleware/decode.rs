//! Whether a layer captures encoded bodies.

use super::layer::AuditLayer;

impl AuditLayer {
    /// Sets whether bodies with a `content-encoding` of `gzip`, `br` or
    /// `zstd` are captured too, and decoded for their record. Defaults to
    /// false: they leave their size only. Needs the feature `decode`.
    ///
    /// The bodies themselves pass as they are, and the sizes in the record
    /// are those of what passed. The writer decodes what was captured, on its
    /// own thread, up to the limit of the side or a hundred times what was
    /// captured, whichever is less. `request_encoding` and
    /// `response_encoding` tell of it: `gzip+utf-8`. Several codings at once
    /// leave their size only, and windows of more than 8 MiB (`zstd`) or 16 MiB
    /// (`br`) a placeholder. Of a capture that was cut, whole blocks are decoded; a
    /// short body in `zstd` is but one.
    ///
    /// # Security
    /// The decoders read what clients send. Their output and memory are
    /// bounded, as said; still they are more code that does so.
    pub fn decode_bodies(mut self, decoded: bool) -> Self {
        self.settings().decode = decoded;
        self
    }
}
