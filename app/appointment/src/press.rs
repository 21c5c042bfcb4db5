//! A pointer that is held down on the grid: what it took, where it is, and the shadow that shows where that would go.

use std::{cell::RefCell, time::Duration};

use kit::ui::dom;
use leptos::{ev, prelude::*};
use rapport_domain::{
    appointment::{Day, Slot, Wall, clock, layout::lasts},
    id::{AppointmentId, UserId},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// How far the pointer moves before a press is a drag, in pixels.
const SLACK: i32 = 4;
/// How long a finger rests before it drags.
const LONG: Duration = Duration::from_millis(400);
/// How tall five minutes are, in pixels: as the style sheet says.
const FIVE_MINUTES: f64 = 16.0 / 3.0;

/// What a press is for.
#[derive(Debug, Clone)]
pub enum Aim {
    /// To move an appointment.
    Move(Box<Slot>),
    /// To move its end.
    Resize(Box<Slot>),
    /// To book a new one.
    New,
}

impl Aim {
    /// The appointment that it takes.
    pub fn id(&self) -> Option<AppointmentId> {
        match self {
            Self::Move(slot) | Self::Resize(slot) => Some(slot.id),
            Self::New => None,
        }
    }
}

/// Where the pointer went down, and where it is.
pub struct Track {
    /// Where it went down.
    pub start: Wall,
    /// Where it is.
    pub here: Wall,
}

/// A column as it stands on the screen.
struct Column {
    element: HtmlElement,
    day: Day,
    staff: Option<UserId>,
    left: f64,
    right: f64,
}

thread_local! {
    /// The press that is under way: a person holds one thing at a time. It lives in the browser only.
    static HELD: RefCell<Option<Press>> = const { RefCell::new(None) };
}

/// Puts a press in the place of the one before.
pub fn hold(press: Option<Press>) {
    HELD.with_borrow_mut(|held| *held = press);
}

/// Does something with the press that is under way, if there is one.
pub fn with_held<T>(act: impl FnOnce(&mut Press) -> T) -> Option<T> {
    HELD.with_borrow_mut(|held| held.as_mut().map(act))
}

/// Ends the press that is under way, if there is one, and gives it.
pub fn let_go() -> Option<Press> {
    let press = HELD.with_borrow_mut(Option::take)?;
    press.end();
    Some(press)
}

/// A pointer that is held down.
pub struct Press {
    /// What for.
    pub aim: Aim,
    pointer: i32,
    by_touch: bool,
    dragging: bool,
    began: (i32, i32),
    at: (i32, i32),
    /// The column that it began in.
    home: usize,
    first: u16,
    columns: Vec<Column>,
    grid: Element,
    shadow: Option<HtmlElement>,
    taken: Option<HtmlElement>,
}

impl Press {
    /// What a press on the grid begins, if anything.
    pub fn at(
        grid: &Element,
        event: &ev::PointerEvent,
        first: u16,
        may_create: bool,
        slot_of: impl Fn(&str) -> Option<Slot>,
    ) -> Option<Self> {
        if event.button() != 0 || event.ctrl_key() || event.meta_key() || event.shift_key() {
            return None;
        }
        let taken = dom::closest(event, "[data-slot]");
        let aim = match &taken {
            Some(element) => {
                let slot = slot_of(&element.get_attribute("data-slot")?).filter(|slot| slot.may_update)?;
                match dom::closest(event, ".grip") {
                    Some(_) => Aim::Resize(Box::new(slot)),
                    None => Aim::Move(Box::new(slot)),
                }
            }
            // An empty place, by a mouse: a finger scrolls there.
            None if may_create && event.pointer_type() != "touch" => {
                dom::closest(event, ".cal-col")?;
                Aim::New
            }
            None => return None,
        };
        let columns = columns(grid);
        let x = f64::from(event.client_x());
        let home = columns
            .iter()
            .position(|column| (column.left..column.right).contains(&x))?;
        Some(Self {
            aim,
            pointer: event.pointer_id(),
            by_touch: event.pointer_type() == "touch",
            dragging: false,
            began: (event.client_x(), event.client_y()),
            at: (event.client_x(), event.client_y()),
            home,
            first,
            columns,
            grid: grid.clone(),
            shadow: dom::first(grid, ".shade"),
            taken,
        })
    }

    /// A finger that rests begins to drag; one that moves before scrolls.
    pub fn wait_for_long_press(&self) {
        if !self.by_touch {
            return;
        }
        let pointer = self.pointer;
        set_timeout(
            move || {
                with_held(|press| {
                    if press.pointer == pointer {
                        press.begin();
                    }
                });
            },
            LONG,
        );
    }

    fn begin(&mut self) {
        if self.dragging {
            return;
        }
        self.dragging = true;
        // It fails only when the pointer has gone.
        let _ = self.grid.set_pointer_capture(self.pointer);
        if let Some(taken) = &self.taken {
            // A class that is not there yet can be added.
            let _ = taken.class_list().add_1("taken");
        }
    }

    /// Follows the pointer; true while it drags.
    pub fn follow(&mut self, event: &ev::PointerEvent) -> bool {
        if event.pointer_id() != self.pointer {
            return false;
        }
        self.at = (event.client_x(), event.client_y());
        let moved = (self.at.0 - self.began.0).abs() + (self.at.1 - self.began.1).abs() > SLACK;
        if moved && !self.by_touch {
            self.begin();
        }
        self.dragging
    }

    /// Whether a finger holds it.
    pub fn is_by_touch(&self) -> bool {
        self.by_touch
    }

    /// Whether it drags.
    pub fn is_dragging(&self) -> bool {
        self.dragging
    }

    fn here(&self) -> usize {
        if !matches!(self.aim, Aim::Move(_)) {
            return self.home;
        }
        let x = f64::from(self.at.0);
        let right_of = self.columns.iter().rposition(|column| x >= column.left);
        right_of.unwrap_or(0)
    }

    /// The persons of the columns that it began in and is in.
    pub fn column_staff(&self) -> (Option<UserId>, Option<UserId>) {
        let staff = |place: usize| self.columns.get(place).and_then(|column| column.staff);
        (staff(self.home), staff(self.here()))
    }

    /// Where it began and where it is, in time.
    pub fn track(&self) -> Option<Track> {
        if !self.dragging {
            return None;
        }
        let wall = |place: usize, y: i32| {
            let column = self.columns.get(place)?;
            let top = column.element.get_bounding_client_rect().top();
            let minutes = (f64::from(y) - top) / FIVE_MINUTES * 5.0 + f64::from(self.first);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to the minutes of a day"
            )]
            let minute = minutes.clamp(0.0, 1439.0) as u16;
            Some(Wall {
                day: column.day,
                minute,
            })
        };
        Some(Track {
            start: wall(self.home, self.began.1)?,
            here: wall(self.here(), self.at.1)?,
        })
    }

    /// Shows where it would go, and what is in the way.
    pub fn draw(&self, target: Option<(Wall, Wall)>, clash: Option<&Slot>) {
        let (Some(shadow), Some((from, to))) = (&self.shadow, target) else {
            return;
        };
        let Some(column) = self.columns.iter().find(|column| {
            column.day == from.day && (column.staff.is_none() || column.staff == self.column_staff().1)
        }) else {
            return;
        };
        let grid = self.grid.get_bounding_client_rect();
        let top = (f64::from(from.minute) - f64::from(self.first)) / 5.0 * FIVE_MINUTES;
        let height = f64::from(lasts(from, to)) / 5.0 * FIVE_MINUTES;
        let style = shadow.style();
        for (name, pixels) in [
            ("left", column.left - grid.left()),
            ("width", column.right - column.left - 2.0),
            ("top", top),
            ("height", height),
        ] {
            // A number of pixels is a value for any of these.
            let _ = style.set_property(name, &format!("{pixels}px"));
        }
        shadow.set_hidden(false);
        shadow.set_class_name(if clash.is_some() {
            "ev shade bad"
        } else {
            "ev shade"
        });
        let times = format!("{} – {}", clock(from.minute), clock(to.minute));
        let said = clash.map_or(times, |other| format!("Overlaps {}", other.title));
        shadow.set_text_content(Some(&said));
    }

    /// The shadow leaves.
    fn end(&self) {
        if let Some(shadow) = &self.shadow {
            shadow.set_hidden(true);
        }
        if let Some(taken) = &self.taken {
            let _ = taken.class_list().remove_1("taken");
        }
        if self.dragging {
            let _ = self.grid.release_pointer_capture(self.pointer);
        }
    }
}

fn columns(grid: &Element) -> Vec<Column> {
    let children = grid.children();
    let column = |place: u32| {
        let element: HtmlElement = children.item(place)?.dyn_into().ok()?;
        let day = element.get_attribute("data-day")?.parse().ok()?;
        let staff = element.get_attribute("data-staff").and_then(|id| id.parse().ok());
        let place = element.get_bounding_client_rect();
        Some(Column {
            day,
            staff,
            left: place.left(),
            right: place.right(),
            element,
        })
    };
    (0..children.length()).filter_map(column).collect()
}
