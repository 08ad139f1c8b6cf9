"""Plain English words that general tasks are made of.

Owns the lists. Does not know what is asked of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "an animal": (
        "badger", "beaver", "camel", "cow", "crab", "deer", "dolphin", "donkey", "eagle", "falcon", "ferret", "fox",
        "frog", "giraffe", "goat", "goose", "hamster", "hedgehog", "heron", "horse", "lion", "lizard", "lobster",
        "magpie", "monkey", "otter", "owl", "panther", "parrot", "pelican", "penguin", "pigeon", "rabbit", "raven",
        "salmon", "seal", "sparrow", "spider", "squirrel", "swan", "tiger", "tortoise", "toad", "walrus", "whale",
        "wolf", "zebra",
    ),
    "a fruit or a vegetable": (
        "apple", "apricot", "artichoke", "asparagus", "aubergine", "banana", "beetroot", "blueberry", "broccoli",
        "cabbage", "carrot", "cauliflower", "celery", "cherry", "courgette", "cucumber", "fig", "garlic",
        "gooseberry", "grape", "kale", "leek", "lemon", "lettuce", "mango", "melon", "nectarine", "olive", "onion",
        "orange", "papaya", "parsnip", "peach", "pear", "pineapple", "plum", "potato", "pumpkin", "quince", "radish",
        "raspberry", "rhubarb", "spinach", "strawberry", "tomato", "turnip",
    ),
    "a tool": (
        "axe", "bellows", "broom", "brush", "bucket", "chisel", "clamp", "compass", "crowbar", "drill",
        "fork", "funnel", "hammer", "hoe", "ladder", "lathe", "lever", "mallet", "needle", "pliers", "pulley", "rake",
        "ruler", "saw", "scissors", "screwdriver", "shovel", "sickle", "sieve", "spade", "spanner", "tongs", "trowel",
        "tweezers", "wrench",
    ),
    "something to wear": (
        "apron", "belt", "blouse", "bonnet", "boot", "bracelet", "cap", "cardigan", "cloak", "coat", "dress", "glove",
        "gown", "hat", "helmet", "hood", "jacket", "jersey", "kilt", "mitten", "necklace", "pyjamas", "robe",
        "sandal", "scarf", "shawl", "shirt", "shoe", "skirt", "slipper", "sock", "stocking", "sweater", "trousers",
        "tunic", "veil", "waistcoat",
    ),
    "a place": (
        "airport", "bakery", "barn", "beach", "bridge", "castle", "cellar", "chapel", "church", "cottage", "desert",
        "factory", "farm", "forest", "garage", "garden", "harbour", "hospital", "hotel", "island", "kitchen",
        "library", "market", "meadow", "mill", "monastery", "museum", "office", "palace", "prison", "quarry",
        "railway", "school", "stable", "station", "temple", "theatre", "tunnel", "valley", "village", "workshop",
    ),
}  # fmt: skip
"""Things by what they are; no word is of two kinds."""

OPPOSITES: Final = (
    ("above", "below"), ("accept", "refuse"), ("alive", "dead"), ("always", "never"), ("ancient", "modern"),
    ("arrive", "leave"), ("asleep", "awake"), ("before", "after"), ("begin", "end"), ("big", "small"),
    ("bitter", "sweet"), ("blunt", "sharp"), ("borrow", "lend"), ("bottom", "top"), ("brave", "cowardly"),
    ("bright", "dim"), ("buy", "sell"), ("cheap", "expensive"), ("clean", "dirty"), ("cold", "hot"),
    ("cruel", "kind"), ("dangerous", "safe"), ("dark", "light"), ("day", "night"), ("deep", "shallow"),
    ("difficult", "easy"), ("dry", "wet"), ("early", "late"), ("east", "west"), ("empty", "full"),
    ("enemy", "friend"), ("enter", "exit"), ("false", "true"), ("far", "near"), ("fast", "slow"), ("fat", "thin"),
    ("find", "lose"), ("first", "last"), ("float", "sink"), ("foolish", "wise"), ("forget", "remember"),
    ("give", "take"), ("good", "bad"), ("guilty", "innocent"), ("happy", "sad"), ("hard", "soft"),
    ("heavy", "weightless"), ("high", "low"), ("inside", "outside"), ("laugh", "cry"), ("lazy", "hardworking"),
    ("left", "right"), ("long", "short"), ("loud", "quiet"), ("love", "hate"), ("many", "few"), ("narrow", "wide"),
    ("north", "south"), ("old", "young"), ("open", "closed"), ("poor", "rich"), ("praise", "blame"),
    ("proud", "humble"), ("pull", "push"), ("raw", "cooked"), ("rough", "smooth"), ("rude", "polite"),
    ("strong", "weak"), ("succeed", "fail"), ("summer", "winter"), ("tall", "short"), ("thick", "thin"),
    ("tight", "loose"), ("ugly", "beautiful"), ("up", "down"), ("victory", "defeat"), ("warm", "cool"),
    ("win", "lose"),
)  # fmt: skip
"""Words and what says the contrary. Only words that stand in one pair are asked about."""

PLURALS: Final = (
    ("baby", "babies"), ("bench", "benches"), ("berry", "berries"), ("book", "books"), ("box", "boxes"),
    ("branch", "branches"), ("bus", "buses"), ("calf", "calves"), ("child", "children"), ("church", "churches"),
    ("city", "cities"), ("country", "countries"), ("day", "days"), ("deer", "deer"), ("dish", "dishes"),
    ("door", "doors"), ("echo", "echoes"), ("family", "families"), ("foot", "feet"), ("fox", "foxes"),
    ("glass", "glasses"), ("goose", "geese"), ("half", "halves"), ("hero", "heroes"), ("house", "houses"),
    ("key", "keys"), ("knife", "knives"), ("lady", "ladies"), ("lamp", "lamps"), ("leaf", "leaves"),
    ("letter", "letters"), ("life", "lives"), ("loaf", "loaves"), ("man", "men"), ("match", "matches"),
    ("mouse", "mice"), ("ox", "oxen"), ("party", "parties"), ("penny", "pennies"), ("person", "people"),
    ("piano", "pianos"), ("potato", "potatoes"), ("river", "rivers"), ("sheep", "sheep"), ("shelf", "shelves"),
    ("ship", "ships"), ("story", "stories"), ("street", "streets"), ("table", "tables"), ("thief", "thieves"),
    ("tomato", "tomatoes"), ("tooth", "teeth"), ("toy", "toys"), ("tree", "trees"), ("valley", "valleys"),
    ("watch", "watches"), ("wife", "wives"), ("window", "windows"), ("wolf", "wolves"), ("woman", "women"),
)  # fmt: skip
"""One and several."""

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
