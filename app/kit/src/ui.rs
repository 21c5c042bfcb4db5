//! The kit: what every page is built from. No I/O; a part shows what it is given and says what was done to it.

pub mod avatar;
pub mod awaited;
pub mod button;
pub mod chart;
pub mod combobox;
pub mod crumbs;
pub mod dialog;
pub mod dom;
pub mod empty;
pub mod field;
pub mod icon;
pub mod kept;
pub mod link;
pub mod list;
pub mod menu;
pub mod page;
pub mod panel;
pub mod pill;
pub mod raw;
pub mod rows;
pub mod select;
pub mod send;
pub mod skeleton;
pub mod table;
pub mod tabs;
pub mod toast;
