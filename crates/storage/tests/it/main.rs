//! What a store promises, on a disk in memory that fails on request, and on a real one.

mod basics;
mod crash;
mod damage;
mod failure;
mod full;
mod group_commit;
mod kit;
mod random;
