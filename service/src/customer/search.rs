//! Search as you type: candidates by trigram, then ranked.
//!
//! At most [`CANDIDATES`] are ranked (sorting all matches of a common fragment takes fifty times as long), and the
//! answer says when there were more. One or two letters match the start of the name; beside a longer word, the start of any
//! word. Pages go by rank.

use rapport_domain::{
    access::{Ability, Kind, Scope},
    customer::{CustomerHit, CustomerKind, CustomerPage, Total},
    error::AppError,
    query::{ListQuery, RANKED_MAX},
    text,
};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::list::{
    self,
    filter::{push_literal, push_pattern},
};
use crate::{
    Ctx, Result,
    access::{push_union, scope},
    sql::Sql,
};

/// The most matches that are ranked.
const CANDIDATES: i64 = RANKED_MAX as i64;
/// The most words of a search that are looked at.
const WORDS_MAX: usize = 8;
/// The shortest word that a trigram index can find.
const TRIGRAM: usize = 3;
/// What stands before a word inside a name or an address.
const WORD_AFTER: [&str; 3] = [" ", "-", "."];
/// Rows that a palette or a combobox shows.
const HITS: i64 = 8;

#[derive(FromQueryResult)]
struct Match {
    id: Uuid,
    found: i64,
}

/// A page of a list that is searched.
pub(super) async fn ranked(ctx: &Ctx, reads: Scope, query: &ListQuery) -> Result<CustomerPage> {
    let skip = i64::from(query.skip);
    let page = Page {
        skip,
        size: i64::from(query.size).min(CANDIDATES - skip),
    };
    let matches = find(ctx, reads, &query.search, Some(query), None, page).await?;
    if matches.is_empty() && skip > 0 {
        // There are fewer by now than there were: the page is none any more.
        return Box::pin(ranked(ctx, reads, &query.first_page())).await;
    }
    let found = matches.first().map_or(0, |first| first.found);
    let ids: Vec<Uuid> = matches.iter().map(|hit| hit.id).collect();
    let rows = list::rows(ctx, &ids).await?;
    let more_matches = found > CANDIDATES;
    let total = if more_matches {
        Total::AtLeast(CANDIDATES.unsigned_abs())
    } else {
        Total::Exactly(found.unsigned_abs())
    };
    let (previous, next) = query.ranked_tokens(u16::try_from(found).unwrap_or(RANKED_MAX));
    Ok(CustomerPage {
        rows: list::told(ctx, rows)?,
        next,
        previous,
        total,
        more_matches,
    })
}

/// All that the search of a list finds, as far as it ranks: at most [`CANDIDATES`].
pub(super) async fn all(ctx: &Ctx, query: &ListQuery) -> Result<Vec<Uuid>> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let matches = find(ctx, reads, &query.search, Some(query), None, Page::of(CANDIDATES)).await?;
    Ok(matches.into_iter().map(|hit| hit.id).collect())
}

/// The best few customers for what was typed so far, for palette and comboboxes.
///
/// # Errors
/// [`AppError::Forbidden`] without the right to read, [`AppError::Invalid`] on `text` for what is no line of text.
pub async fn suggest(ctx: &Ctx, text: &str, kind: Option<CustomerKind>) -> Result<Vec<CustomerHit>> {
    let reads = scope(ctx, Kind::Customer, Ability::Read)?;
    let text = text::line(text).map_err(|sentence| AppError::invalid("text", sentence))?;
    let matches = find(ctx, reads, &text, None, kind, Page::of(HITS)).await?;
    let ids: Vec<Uuid> = matches.iter().map(|hit| hit.id).collect();
    let rows = list::told(ctx, list::rows(ctx, &ids).await?)?;
    Ok(rows
        .into_iter()
        .map(|row| CustomerHit {
            id: row.id,
            kind: row.kind,
            hint: [
                Some(row.contact).filter(|contact| !contact.is_empty()),
                row.city,
                row.email,
            ]
            .into_iter()
            .flatten()
            .next()
            .unwrap_or_default(),
            name: row.name,
        })
        .collect())
}

/// Which of the ranked matches are wanted.
#[derive(Clone, Copy)]
struct Page {
    skip: i64,
    size: i64,
}

impl Page {
    /// The first so many.
    fn of(size: i64) -> Self {
        Self { skip: 0, size }
    }
}

async fn find(
    ctx: &Ctx,
    reads: Scope,
    text: &str,
    query: Option<&ListQuery>,
    kind: Option<CustomerKind>,
    page: Page,
) -> Result<Vec<Match>> {
    let words = words(text);
    let mut sql = Sql::new("SELECT m.id, count(*) OVER () AS found FROM (SELECT * FROM (");
    let indexed = words.iter().any(Word::is_long);
    push_union(&mut sql, reads, |sql, branch| {
        // Apart, since PostgreSQL would hope that a scan of the whole table soon comes upon enough matches.
        sql.push("(WITH part AS MATERIALIZED (SELECT c.id, c.name, c.name_plain FROM customer c WHERE c.deleted_at IS NULL AND ");
        branch.push(sql);
        if let Some(query) = query.filter(|query| !query.filter.is_empty()) {
            sql.push(" AND ");
            list::filter::push(sql, &query.filter, Some(ctx.actor()))?;
        }
        if let Some(kind) = kind {
            sql.push(" AND c.kind = ").bind(kind.word());
        }
        if indexed {
            words.iter().for_each(|word| push_anywhere(sql, word));
        } else if !words.is_empty() {
            push_name_begins(sql, &words);
        }
        sql.push(") SELECT * FROM part").limit(CANDIDATES + 1).push(")");
        Ok(())
    })?;
    sql.push(") AS u")
        .limit(CANDIDATES + 1)
        .push(") AS m ORDER BY CASE WHEN m.name_plain LIKE ");
    let whole = text.trim();
    push_literal(&mut sql, whole);
    sql.push(" || '%' THEN 0 WHEN m.name_plain LIKE '% ' || ");
    push_literal(&mut sql, whole);
    sql.push(" || '%' THEN 1 WHEN m.name_plain LIKE ");
    push_pattern(&mut sql, whole);
    sql.push(" THEN 2 ELSE 3 END, m.name, m.id OFFSET ")
        .bind(page.skip)
        .limit(page.size);
    Ok(Match::find_by_statement(sql.done()).all(ctx.db()).await?)
}

/// A word that must be found.
struct Word {
    typed: String,
    /// Its digits, where it may be a phone number: those are found, too.
    digits: Option<String>,
}

impl Word {
    /// Whether the trigram index finds it.
    fn is_long(&self) -> bool {
        self.typed.chars().count() >= TRIGRAM
    }
}

/// What was typed, as words that must all be found. What may be a phone number is one word.
fn words(text: &str) -> Vec<Word> {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= 3 && text.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c)) {
        return vec![Word {
            typed: text.to_owned(),
            digits: Some(digits),
        }];
    }
    let words = text.split_whitespace().take(WORDS_MAX).map(|word| Word {
        typed: word.to_owned(),
        digits: None,
    });
    words.collect()
}

/// A word that is long enough for the trigram index carries the short ones, too, where they begin a word: anywhere, they
/// would be found in half of all rows that the long one finds.
fn push_anywhere(sql: &mut Sql, word: &Word) {
    sql.push(" AND (FALSE");
    if word.is_long() {
        let texts = word.digits.iter().chain([&word.typed]);
        for text in texts {
            sql.push(" OR c.search LIKE ");
            push_pattern(sql, text);
        }
    } else {
        for before in WORD_AFTER {
            sql.push(&format!(" OR c.search LIKE '%{before}' || "));
            push_literal(sql, &word.typed);
            sql.push(" || '%'");
        }
    }
    sql.push(")");
}

/// Where no word is long enough a name begins with all of them, by the index of names.
fn push_name_begins(sql: &mut Sql, words: &[Word]) {
    let words: Vec<&str> = words.iter().map(|word| word.typed.as_str()).collect();
    let begins = words.join(" ");
    // As LIKE 'begins%', but also found by the index when PostgreSQL plans once for all that is typed.
    sql.push(" AND c.name_plain ~>=~ (SELECT rapport_plain(")
        .bind(begins.clone())
        .push(")) AND c.name_plain ~<~ (SELECT rapport_plain(")
        .bind(begins)
        .push(") || chr(1114111))");
}
