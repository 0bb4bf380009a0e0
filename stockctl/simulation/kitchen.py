"""The kitchens that can be simulated: menu, suppliers and shelf lives.

All times are in simulated seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """A dish: units of each ingredient, and how often it is ordered compared with others."""

    name: str
    items: Mapping[str, int]
    weight: int = 1


@dataclass(frozen=True)
class Supply:
    """A regular delivery of one ingredient: `units` every `every` seconds from `first` on; each keeps for `keeps`."""

    ingredient: str
    units: int
    every: float
    keeps: float
    first: float = 0.0


@dataclass(frozen=True)
class Supplier:
    """A supplier and its regular deliveries; those due at the same moment come as one."""

    name: str
    supplies: tuple[Supply, ...]


@dataclass(frozen=True)
class Kitchen:
    """A menu, its suppliers, and the average number of customers per simulated minute.

    With a `rush`, most of them come in the middle of the service.
    """

    name: str
    recipes: tuple[Recipe, ...]
    suppliers: tuple[Supplier, ...]
    customers_per_minute: float
    rush: bool = True

    @property
    def ingredients(self) -> tuple[str, ...]:
        """Every ingredient of the menu and of the deliveries, by name."""
        cooked = {ingredient for recipe in self.recipes for ingredient in recipe.items}
        delivered = {supply.ingredient for supplier in self.suppliers for supply in supplier.supplies}
        return tuple(sorted(cooked | delivered))

    def at_rate(self, customers_per_minute: float) -> Kitchen:
        """The same kitchen with another customer rate."""
        return replace(self, customers_per_minute=customers_per_minute)


def single(ingredient: str) -> Kitchen:
    """The original article's simulation: one ingredient, used a few units at a time and delivered every minute.

    More is delivered than used before it expires, so after a few minutes the rest of each delivery is written off.
    """
    recipes = tuple(Recipe(f"{units} of {ingredient}", {ingredient: units}) for units in range(1, 9))
    supplier = Supplier("supplier", (Supply(ingredient, units=170, every=60, keeps=150),))
    return Kitchen(ingredient, recipes, (supplier,), customers_per_minute=18, rush=False)


def pizzeria() -> Kitchen:
    """The cloud pizza place: seven pizzas, ten ingredients, four suppliers."""
    base = {"dough": 1, "tomato sauce": 1}
    recipes = (
        Recipe("margherita", {**base, "mozzarella": 2, "basil": 1}, 6),
        Recipe("pepperoni", {**base, "mozzarella": 2, "pepperoni": 3}, 5),
        Recipe("prosciutto e funghi", {**base, "mozzarella": 2, "ham": 2, "mushroom": 2}, 4),
        Recipe("hawaii", {**base, "mozzarella": 2, "ham": 2, "pineapple": 2}, 2),
        Recipe("vegetariana", {**base, "mozzarella": 1, "mushroom": 2, "pepper": 2, "olive": 2}, 3),
        Recipe("quattro stagioni", {**base, "mozzarella": 2, "ham": 1, "mushroom": 1, "olive": 2, "basil": 1}, 2),
        Recipe("marinara", {**base, "olive": 1, "basil": 2}, 2),
    )
    suppliers = (
        Supplier("bakery", (Supply("dough", 70, 120, 300), Supply("tomato sauce", 150, 240, 900))),
        Supplier("dairy", (Supply("mozzarella", 100, 100, 240),)),
        Supplier("butcher", (Supply("ham", 45, 150, 220), Supply("pepperoni", 60, 150, 420))),
        Supplier(
            "greengrocer",
            (
                Supply("basil", 40, 110, 130),
                Supply("mushroom", 40, 110, 180),
                Supply("pepper", 18, 110, 280),
                Supply("pineapple", 24, 220, 200),
                Supply("olive", 40, 220, 900),
            ),
        ),
    )
    return Kitchen("pizzeria", recipes, suppliers, customers_per_minute=24)
