"""Recipes, de-duplication, splits, selection, export: every verb takes a cohort and leaves a cohort."""
