//! The file as chunks of mapped rows: read and mapped on a thread of its own, two chunks ahead at most.

use rapport_domain::{
    error::AppError,
    id::ImportId,
    import::{FileError, ImportSettings, Mapped, Mapper, Position, Problem, Reader, Row},
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{unreadable, upload::Staged};
use crate::{Ctx, Result};

/// Rows in one chunk, which is one transaction.
const CHUNK_ROWS: usize = 1_000;
/// A chunk of long rows has fewer: bytes of its values.
const CHUNK_BYTES: usize = 4 << 20;
/// Chunks that are read while one is written.
const AHEAD: usize = 2;

/// Rows to be written in one transaction.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) rows: Vec<Mapped>,
    /// Rows that could not be read or mapped.
    pub(super) problems: Vec<Problem>,
    /// Behind its last row; none for rows that come from elsewhere.
    pub(super) position: Option<Position>,
}

/// The chunks of a file, in order.
pub(super) struct Feed {
    chunks: mpsc::Receiver<std::result::Result<Chunk, FileError>>,
    /// Who reads; nobody any more once it has ended.
    reader: Option<JoinHandle<()>>,
}

impl Feed {
    /// Begins to read, behind a position or at the beginning.
    pub(super) fn open(ctx: &Ctx, settings: &ImportSettings, id: ImportId, from: Option<Position>) -> Self {
        let (send, receive) = mpsc::channel(AHEAD);
        let source = Staged::new(ctx, id.0, from.map_or(0, |position| position.byte));
        let settings = settings.clone();
        let reader = tokio::task::spawn_blocking(move || {
            let reader = match from {
                Some(position) => Ok(Reader::resume(
                    source,
                    settings.dialect,
                    settings.mapping.headers.clone(),
                    position,
                )),
                None => Reader::new(source, settings.dialect),
            };
            let mapper = settings.mapping.mapper();
            let done = reader.and_then(|mut reader| {
                while let Some(chunk) = chunk(&mut reader, &mapper)? {
                    if send.blocking_send(Ok(chunk)).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            if let Err(error) = done {
                // Nobody listens any more: then nobody needs to know.
                let _ = send.blocking_send(Err(error));
            }
        });
        Self {
            chunks: receive,
            reader: Some(reader),
        }
    }

    /// The next chunk; none at the end.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database went away, [`AppError::Invalid`] when this is no file to read.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>> {
        match self.chunks.recv().await.transpose() {
            Ok(None) => {
                // A reader that broke down has not come to the end.
                if let Some(reader) = self.reader.take() {
                    reader.await.map_err(|_| AppError::internal())?;
                }
                Ok(None)
            }
            Ok(chunk) => Ok(chunk),
            Err(FileError::Io(cause)) => {
                tracing::warn!(%cause, "a staged file cannot be read");
                Err(AppError::Unavailable.into())
            }
            Err(error) => Err(unreadable(&error).into()),
        }
    }
}

fn chunk(reader: &mut Reader<Staged>, mapper: &Mapper) -> std::result::Result<Option<Chunk>, FileError> {
    let mut chunk = Chunk::default();
    let mut bytes = 0;
    while chunk.rows.len() + chunk.problems.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
        let Some(row) = reader.read()? else { break };
        match row {
            Ok(row) => {
                bytes += row.fields.iter().map(String::len).sum::<usize>();
                chunk.add(row, mapper);
            }
            Err(row) => {
                bytes += row.fields.iter().map(String::len).sum::<usize>();
                chunk.problems.push(row.into());
            }
        }
    }
    chunk.position = Some(reader.position());
    Ok((!chunk.rows.is_empty() || !chunk.problems.is_empty()).then_some(chunk))
}

impl Chunk {
    /// Adds a row, mapped or as a problem.
    pub(super) fn add(&mut self, row: Row, mapper: &Mapper) {
        match mapper.map(row) {
            Ok(mapped) => self.rows.push(mapped),
            Err(row) => self.problems.push(row.into()),
        }
    }
}
