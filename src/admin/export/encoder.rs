//! Records as the text of a file.

use super::super::summary::Selection;
use super::csv;
use super::params::Format;
use crate::event::Column;
use crate::{Error, Record};

/// Writes a file part by part.
pub(super) struct Encoder {
    format: Format,
    columns: Vec<&'static Column>,
    is_empty: bool,
}

impl Encoder {
    pub(super) fn new(format: Format, columns: Vec<&'static Column>) -> Self {
        Self {
            format,
            columns,
            is_empty: true,
        }
    }

    /// What comes before the first record.
    pub(super) fn start(&self) -> Result<Vec<u8>, Error> {
        match self.format {
            Format::Csv => csv::header(&self.columns),
            Format::Json => Ok(b"[".to_vec()),
            Format::Ndjson => Ok(Vec::new()),
        }
    }

    pub(super) fn records(&mut self, records: &[Record]) -> Result<Vec<u8>, Error> {
        if self.format == Format::Csv {
            return csv::records(&self.columns, records);
        }
        let mut text = Vec::with_capacity(records.len() * 2048);
        for record in records {
            if self.format == Format::Json {
                text.extend_from_slice(if self.is_empty { b"\n" } else { b",\n" });
                self.is_empty = false;
            }
            let columns = &self.columns;
            serde_json::to_writer(&mut text, &Selection { columns, record }).map_err(|error| {
                Error::internal("a record cannot be written as json").caused_by(error)
            })?;
            if self.format == Format::Ndjson {
                text.push(b'\n');
            }
        }
        Ok(text)
    }

    /// What comes after the last record.
    pub(super) fn end(&self) -> &'static [u8] {
        match self.format {
            Format::Csv | Format::Ndjson => b"",
            Format::Json => b"\n]\n",
        }
    }
}
