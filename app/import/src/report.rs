//! What came of an import: the counts, the way back, the rows to mend.

use kit::{
    door::{DoorForm, Form},
    ui::{
        button::{Button, LinkButton, Weight},
        empty::Empty,
        kept::kept_list,
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use rapport_domain::{
    form::Values,
    id::ImportId,
    import::{Example, ImportReport, ImportView, PROBLEMS_LISTED, Problem},
    journal::UndoReport,
    text::many,
};

use super::upload::MendedUpload;

/// Rows and records, counted beside each other.
#[component]
pub fn Counts(
    /// The report.
    report: ImportReport,
) -> impl IntoView {
    let ImportReport {
        rows,
        created_rows,
        changed_rows,
        restored_rows,
        unchanged_rows,
        problem_rows,
        created_companies,
        created_people,
        changed_records,
        restored_records,
        changed_fields,
        problems,
        ignored_columns,
        examples,
        ..
    } = report;
    let fields: Vec<_> = changed_fields
        .into_iter()
        .map(|(field, count)| format!("{field} {count}"))
        .collect();
    let changed = if fields.is_empty() {
        String::new()
    } else {
        format!(" ({})", fields.join(", "))
    };
    let lines = [
        (
            "Made",
            created_rows,
            format!(
                "{}, {}",
                many(created_companies, "company", "companies"),
                many(created_people, "person", "people")
            ),
        ),
        (
            "Changed",
            changed_rows,
            format!("{}{changed}", many(changed_records, "customer", "customers")),
        ),
        (
            "Brought back from the trash",
            restored_rows,
            many(restored_records, "customer", "customers"),
        ),
        ("Left as they are", unchanged_rows, String::new()),
        ("Not taken", problem_rows, String::new()),
    ];
    let lines = lines.into_iter().map(|(name, rows, records)| {
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td class="num">{rows}</td>
                <td>{records}</td>
            </tr>
        }
    });
    let examples = (!examples.is_empty()).then(|| {
        let shown = examples.len() as u64;
        let rest = changed_records.saturating_sub(shown);
        let more = (rest > 0).then(|| view! { <li class="dim">{format!("and {rest} more")}</li> });
        let examples = examples.into_iter().map(example).collect_view();
        view! {
            <details>
                <summary>"Changed, field by field"</summary>
                <ul class="reasons">{examples}{more}</ul>
            </details>
        }
    });
    let any = !problems.is_empty();
    let problems = problems.into_iter().map(|problem| {
        view! { <li>{format!("Line {}: {}", problem.line, problem.reason)}</li> }
    });
    let problems = any.then(|| {
        view! {
            <details>
                <summary>"Rows that would not be taken"</summary>
                <ul class="reasons">{problems.collect_view()}</ul>
            </details>
        }
    });
    let ignored = (!ignored_columns.is_empty())
        .then(|| view! { <p class="dim">{format!("Columns not taken: {}", ignored_columns.join(", "))}</p> });
    view! {
        <table class="counts">
            <thead>
                <tr>
                    <th scope="col"></th>
                    <th scope="col" class="num">"Rows"</th>
                    <th scope="col">"Customers"</th>
                </tr>
            </thead>
            <tbody>
                {lines.collect_view()}
                <tr>
                    <th scope="row">"All"</th>
                    <td class="num">{rows}</td>
                    <td></td>
                </tr>
            </tbody>
        </table>
        {examples}
        {problems}
        {ignored}
    }
    .into_any()
}

/// A changed record: each field as it was and as it is.
fn example(example: Example) -> AnyView {
    let fields = example.fields.into_iter().map(|(field, before, after)| {
        let before = (!before.is_empty()).then(|| view! { <s class="dim">{before}</s>" → " });
        view! { <span>" · "{field}": "{before}<b>{after}</b></span> }
    });
    view! {
        <li>
            {format!("Line {}: {}", example.line, example.name)}
            {fields.collect_view()}
        </li>
    }
    .into_any()
}

/// What taking an import back has left as it is, and why.
fn left_alone(report: UndoReport) -> Option<AnyView> {
    if report.left == 0 {
        return None;
    }
    let stayed = view! {
        <section class="card run" aria-label="What stayed">
            <h2>{format!("{} left as they are", report.left)}</h2>
            {kept_list(report, true)}
        </section>
    };
    Some(stayed.into_any())
}

/// The report of an import that is through.
#[component]
pub fn Report(
    /// The import.
    view: ImportView,
    /// A page of its rows that need a person.
    problems: Vec<Problem>,
) -> impl IntoView {
    let ImportView {
        id,
        report,
        batch,
        undone,
        problems: to_mend,
        settings,
        taken_back,
        ..
    } = view;
    let Some(report) = report else {
        let text = "It ended before the first row.";
        return view! { <Empty icon=icondata::LuFileX title="Nothing was written" text/> }.into_any();
    };
    let back = format!("/imports/{id}");
    let revert = batch.filter(|_| !undone).map(|batch| {
        let hidden = Values::default()
            .with("batch", batch.to_string())
            .with("back", back);
        view! {
            <DoorForm form=Form::Undo hidden id="revert">
                <Button kind="submit">"Revert the whole import"</Button>
            </DoorForm>
        }
    });
    let headers = settings
        .map(|settings| settings.mapping.headers)
        .unwrap_or_default();
    let mend = (to_mend > 0 && !undone).then(|| view! { <Mend id of=to_mend headers problems/> });
    view! {
        <section class="card run" aria-label="What it did">
            <h2>{if undone { "What it did before it was taken back" } else { "What it did" }}</h2>
            <Counts report/>
            <div class="acts">
                <LinkButton href="/customers?sort=-updated" weight=Weight::Main>"See the customers"</LinkButton>
                {revert}
            </div>
            {(!undone)
                .then(|| view! { <p class="dim">"Reverting leaves alone what somebody has edited since, and says so."</p> })}
        </section>
        {taken_back.and_then(left_alone)}
        {mend}
    }
    .into_any()
}

/// The rows that need a person.
#[component]
fn Mend(id: ImportId, of: u64, headers: Vec<String>, problems: Vec<Problem>) -> impl IntoView {
    let last = problems.last().map(|problem| problem.line).unwrap_or_default();
    let shown = problems.len() as u64;
    let behind = use_query_map()
        .read_untracked()
        .get("behind")
        .and_then(|behind| behind.parse::<u64>().ok())
        .unwrap_or_default();
    let back = match behind {
        0 => format!("/imports/{id}"),
        behind => format!("/imports/{id}?behind={behind}"),
    };
    let first = (behind > 0)
        .then(|| view! { <LinkButton href=format!("/imports/{id}")>"The first rows"</LinkButton> });
    let further = (shown == PROBLEMS_LISTED && shown < of).then(|| {
        view! { <LinkButton href=format!("/imports/{id}?behind={last}")>"Further rows"</LinkButton> }
    });
    view! {
        <section aria-label="Rows to mend">
            <div class="acts">
                <h2 class="grow">{format!("{} to mend", many(of, "row", "rows"))}</h2>
                // The router would take it for a page.
                <LinkButton href=format!("/imports/{id}/problems.csv") icon=icondata::LuDownload attr:rel="external">
                    "Download as CSV"
                </LinkButton>
                <MendedUpload id/>
            </div>
            <ol class="mend">
                // Never one row in the place of another: what is typed in it would stay behind.
                <For each=move || problems.clone() key=|problem| problem.line let(problem)>
                    {mend_row(id, &headers, problem, &back)}
                </For>
            </ol>
            <div class="acts">{first} {further}</div>
        </section>
    }
    .into_any()
}

/// One row: why it was not taken, and its values to be mended. What is more than the columns is shown beside them.
fn mend_row(id: ImportId, headers: &[String], problem: Problem, back: &str) -> AnyView {
    let line = problem.line;
    if problem.fields.is_empty() {
        let text = "This row is too long to be shown; please mend it in the file.";
        return view! {
            <li>
                <details class="card">
                    <summary><b>{format!("Line {line}")}</b>" "<span class="dim">{problem.reason}</span></summary>
                    <p class="dim">{text}</p>
                </details>
            </li>
        }
        .into_any();
    }
    let fields: Vec<_> = headers
        .iter()
        .enumerate()
        .map(|(place, header)| {
            let value = problem.fields.get(place).cloned().unwrap_or_default();
            view! {
                <label class="value">
                    <span class="cut">{header.clone()}</span>
                    <input class="input" name=format!("value.{place}") value=value autocomplete="off"/>
                </label>
            }
        })
        .collect();
    let over: Vec<_> = problem.fields.iter().skip(headers.len()).cloned().collect();
    let over = (!over.is_empty())
        .then(|| view! { <p class="dim">{format!("Behind the last column: {}", over.join(" | "))}</p> });
    let hidden = Values::default()
        .with("line", line.to_string())
        .with("back", back);
    view! {
        <li>
            <details class="card">
                <summary>
                    <b>{format!("Line {line}")}</b>
                    " "
                    <span class="dim">{problem.reason}</span>
                </summary>
                {over}
                <DoorForm form=Form::MendRow(id) hidden id=format!("mend-{line}") class="values" label=format!("Line {line}") on_done=Callback::new(|_| ())>
                    {fields}
                    <RowError/>
                    <Button kind="submit">"Take this row"</Button>
                </DoorForm>
            </details>
        </li>
    }
    .into_any()
}

/// What is still wrong with the row.
#[component]
fn RowError() -> impl IntoView {
    let error = kit::door::use_field("row").error;
    view! {
        <div aria-live="polite" class="whole">
            {move || error.get().map(|said| view! { <p class="wrong">{said}</p> })}
        </div>
    }
    .into_any()
}
