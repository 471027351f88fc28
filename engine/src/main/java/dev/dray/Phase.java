package dev.dray;

/// A part of an operation and how long it took.
public record Phase(String name, double ms) {}
