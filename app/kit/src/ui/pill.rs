//! Small labels: the stage of a customer, a tag.

use leptos::prelude::*;
use rapport_domain::customer::Stage;

/// The classes of a stage's pill.
#[must_use]
pub fn stage_class(stage: Stage) -> &'static str {
    match stage {
        Stage::Lead => "pill dot c3",
        Stage::Prospect => "pill dot c1",
        Stage::Customer => "pill dot c0",
        Stage::Former => "pill dot c5",
    }
}

/// The class of a stage's colour alone.
#[must_use]
pub fn stage_colour(stage: Stage) -> &'static str {
    match stage {
        Stage::Lead => "c3",
        Stage::Prospect => "c1",
        Stage::Customer => "c0",
        Stage::Former => "c5",
    }
}

/// The stage of a customer. The word says it; the colour only helps.
#[component]
pub fn StagePill(
    /// The stage.
    stage: Stage,
) -> impl IntoView {
    view! { <span class=stage_class(stage)>{stage.label()}</span> }
}

/// A tag.
#[component]
pub fn Tag(
    /// Its word.
    #[prop(into)]
    word: String,
) -> impl IntoView {
    view! { <span class="pill c5"><span class="cut">{word}</span></span> }
}
