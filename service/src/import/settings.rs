//! How a file is read, mapped and matched, and the mappings that people keep.

use rapport_domain::{
    error::AppError,
    id::{ImportId, MappingId},
    import::{Dialect, ImportSettings, Mapping, Rules, SavedMapping, source_of},
    journal::Receipt,
    text,
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{history::Import, may_import, require_ready, upload};
use crate::{
    Ctx, Error, Result, job,
    journal::{self, Change, Command, RecordKind},
    sql::sql,
};

/// Changes how an import that has not begun is mapped and matched. What a check found before is forgotten.
///
/// # Errors
/// [`AppError::NotFound`] for an import of somebody else; [`AppError::Refused`] once it has begun; [`AppError::Invalid`]
/// on `form` for a mapping that can make no record, or is of another file.
pub async fn set(ctx: &Ctx, id: ImportId, mapping: Mapping, rules: Rules) -> Result<()> {
    may_import(ctx)?;
    let import = Import::fetch(ctx.db(), ctx, id).await?;
    let settings = import.settings()?;
    if mapping.headers != settings.mapping.headers {
        return Err(AppError::invalid("form", "This mapping is of a file with other columns.").into());
    }
    mapping
        .check()
        .map_err(|sentence| AppError::invalid("form", sentence))?;
    keep(
        ctx,
        id,
        &ImportSettings {
            mapping,
            rules,
            ..settings
        },
    )
    .await
}

/// Reads an import that has not begun in another way; the columns are guessed anew.
///
/// # Errors
/// As [`set`]; [`AppError::Invalid`] on `form` when the file cannot be read like that.
pub async fn set_dialect(ctx: &Ctx, id: ImportId, dialect: Dialect) -> Result<()> {
    may_import(ctx)?;
    let import = Import::fetch(ctx.db(), ctx, id).await?;
    let settings = import.settings()?;
    let (head, whole) = upload::head(ctx.db(), id.0, import.size).await?;
    let sample = upload::sample(&head, dialect, whole).map_err(|error| match error {
        AppError::Invalid { fields } => {
            let sentence = fields.0.into_values().next().unwrap_or_default();
            AppError::invalid("form", sentence)
        }
        error => error,
    })?;
    let mapping = Mapping::guess(&sample.headers, &sample.rows, &source_of(&import.file));
    let settings = ImportSettings {
        dialect,
        mapping,
        ..settings
    };
    keep(ctx, id, &settings).await
}

async fn keep(ctx: &Ctx, id: ImportId, settings: &ImportSettings) -> Result<()> {
    let tx = ctx.db().begin().await?;
    require_ready(&tx, id).await?;
    if job::is_open(&tx, id.0).await? {
        return Err(AppError::refused("A check is under way; please wait for it or stop it.").into());
    }
    upload::keep_settings(&tx, id, settings).await?;
    Ok(tx.commit().await?)
}

#[derive(FromQueryResult)]
struct Kept {
    id: Uuid,
    name: String,
    settings: Value,
}

/// The mappings that people keep, by name.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to make customers.
pub async fn mappings(ctx: &Ctx) -> Result<Vec<SavedMapping>> {
    may_import(ctx)?;
    let statement = sql("SELECT id, name, settings FROM import_mapping ORDER BY name", []);
    let kept = Kept::find_by_statement(statement).all(ctx.db()).await?;
    kept.into_iter()
        .map(|kept| {
            let part = |name| kept.settings.get(name).cloned().unwrap_or_default();
            Ok(SavedMapping {
                id: MappingId(kept.id),
                name: kept.name.clone(),
                mapping: serde_json::from_value(part("mapping"))?,
                rules: serde_json::from_value(part("rules"))?,
            })
        })
        .collect()
}

/// Maps an import that has not begun as a mapping that somebody keeps.
///
/// # Errors
/// As [`set`]; [`AppError::Invalid`] on `mapping` when it needs a column that this file does not have.
pub async fn map_as(ctx: &Ctx, id: ImportId, mapping: MappingId) -> Result<()> {
    let kept = mappings(ctx).await?.into_iter().find(|kept| kept.id == mapping);
    let kept = kept.ok_or(AppError::NotFound)?;
    let settings = Import::fetch(ctx.db(), ctx, id).await?.settings()?;
    let fitting = kept.mapping.for_headers(&settings.mapping.headers);
    let sentence = "This mapping needs a column that the file does not have.";
    let mapping = fitting.ok_or_else(|| AppError::invalid("mapping", sentence))?;
    // Where the rows come from is the file's own affair.
    let source = settings.mapping.source;
    set(ctx, id, Mapping { source, ..mapping }, kept.rules).await
}

/// Keeps the mapping of an import under a name, for everybody; an earlier one of that name is replaced.
///
/// # Errors
/// [`AppError::Invalid`] on `name`; [`AppError::NotFound`] for an import of somebody else.
pub async fn save_mapping(ctx: &Ctx, id: ImportId, name: &str) -> Result<Receipt> {
    may_import(ctx)?;
    let name = text::required_line(name, "Please give it a name.")
        .map_err(|sentence| AppError::invalid("name", sentence))?;
    let settings = Import::fetch(ctx.db(), ctx, id).await?.settings()?;
    let settings = json!({ "mapping": settings.mapping, "rules": settings.rules });
    let tx = ctx.db().begin().await?;
    let standing = Kept::find_by_statement(sql(
        "SELECT id, name, settings FROM import_mapping WHERE name = $1 FOR UPDATE",
        [name.as_str().into()],
    ))
    .one(&tx)
    .await?;
    let (record, change) = match standing {
        Some(kept) => {
            let fields = [("settings".to_owned(), kept.settings, settings)];
            (
                kept.id,
                Change::update(RecordKind::ImportMapping, kept.id, kept.id, fields),
            )
        }
        None => {
            let record: Uuid = ctx.clock().new_id();
            let fields = journal::fields(json!({ "name": name, "settings": settings }));
            (
                record,
                Some(Change::create(RecordKind::ImportMapping, record, record, fields)),
            )
        }
    };
    let Some(change) = change else {
        return Ok(Receipt {
            record,
            version: 1,
            batch: None,
        });
    };
    let command = Command::of(ctx, "save import mapping")
        .never_undone("A mapping is replaced by keeping another one under its name.");
    let batch = match journal::write(&tx, ctx.clock().new_id(), &command, vec![change]).await {
        Err(error) if error.unique_violation().is_some() => {
            let sentence = "Somebody has just kept one of this name.";
            return Err(Error::from(AppError::invalid("name", sentence)));
        }
        batch => batch?,
    };
    tx.commit().await?;
    Ok(Receipt {
        record,
        version: 1,
        batch: Some(batch),
    })
}
