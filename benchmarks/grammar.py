"""The words of made-up screenplays: a grammar of speech and action, and the expansion of its rules.

Owns the vocabulary. Does not know what a scene or a page is (`screenplays`). A rule is a list of alternatives;
``{name}`` in an alternative stands for another rule, or for a word of the context that the caller gives.
All text was written for this project.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

_SLOT = re.compile(r"\{(\w+)\}")


def _words(text: str) -> tuple[str, ...]:
    """The alternatives of a rule, separated by bars."""
    return tuple(" ".join(piece.split()) for piece in text.split("|"))


# Bare form, past and gerund; each takes a thing as its object.
_VERBS = _words(
    """sell sold selling|hide hid hiding|burn burned burning|count counted counting|mend mended mending
    |paint painted painting|borrow borrowed borrowing|bury buried burying|steal stole stealing
    |weigh weighed weighing|measure measured measuring|polish polished polishing|pawn pawned pawning
    |insure insured insuring|photograph photographed photographing|unlock unlocked unlocking
    |return returned returning|drop dropped dropping|wrap wrapped wrapping|label labelled labelling
    |forge forged forging|inherit inherited inheriting|repair repaired repairing|smuggle smuggled smuggling
    |translate translated translating|copy copied copying|break broke breaking|follow followed following
    |refuse refused refusing|find found finding|lose lost losing|wash washed washing|carry carried carrying
    |rehearse rehearsed rehearsing|bless blessed blessing|raffle raffled raffling|tow towed towing
    |defend defended defending|admire admired admiring|ignore ignored ignoring|feed fed feeding
    |salt salted salting|post posted posting|return returned returning"""
)

RULES: Mapping[str, Sequence[str]] = {
    "do": tuple(verb.split()[0] + " {thing}" for verb in _VERBS),
    "did": tuple(verb.split()[1] + " {thing}" for verb in _VERBS),
    "doing": tuple(verb.split()[2] + " {thing}" for verb in _VERBS),
    "noun": _words(
        """ledger|piano|rowing boat|lighthouse lamp|suitcase|accordion|barometer|telescope|wedding cake
        |tide table|deed|map|harpoon|birdcage|typewriter|compass|photograph|recipe book|trophy|goat|kettle
        |grandfather clock|diving helmet|church organ|weathervane|herring barrel|violin|sewing machine|letter
        |logbook|generator|radio|anchor|tea chest|will|jukebox|tandem|tractor|stove|moustache cup|trombone
        |lantern|snow globe|blanket|parrot|parcel|crossbow|bathtub|signet ring|net|ladder|chessboard|flag|canoe
        |stuffed pike|bell|cash box|signpost|motorbike|umbrella|fruit machine|passport|tapestry|cheese|statue
        |bus timetable|wardrobe|toolbox"""
    ),
    "adjective": _words(
        """blue|borrowed|second|missing|famous|rusty|old|heavy|other|painted|broken|locked|wrong|small|empty
        |cursed|unfinished|Portuguese|spare|singed|enormous|official|stolen|varnished|damp|expensive|ugly
        |talking|last"""
    ),
    "owner": _words(
        """the|the|the|the|your|your|my|that|this|our|my mother's|your uncle's|the mayor's|the harbour master's
        |the widow's|my brother's|the bishop's|the twins'|the captain's|nobody's|the town's|Grandmother's
        |the company's"""
    ),
    "thing": _words("{owner} {noun}|{owner} {noun}|{owner} {adjective} {noun}"),
    "place": _words(
        """the boathouse|the cannery|the chapel|the ice factory|the ferry|the allotments|the dance hall
        |the quarry|the pier|the bus depot|the bakery|the customs shed|the old school|the observatory
        |the laundry|the cable car|the orchard|the signal box|the market|the bandstand|the swimming baths
        |the post office|the lock gates|the brickworks|the radio mast|the camp site|the auction room
        |the salt pans|the railway arches|the vineyard|the library|the slipway|the fish market|the cinema
        |the reservoir|the toll house|the courthouse|the mill"""
    ),
    "person": _words(
        """my sister|your brother|the harbour master|old Benedek|the dentist|a man from the ministry
        |my landlady|the woman with the dogs|your cousin in Trieste|the night nurse|our accountant|the ferryman
        |the choirmaster|a girl on a bicycle|Aunt Philippa|the new priest|half the rowing club|my father
        |the inspector|the elder twin|somebody at the bank|the piano teacher|your mother|the lifeguard
        |a lawyer called Prewitt|the organist|the weather man|our last mayor|the widow Castellan
        |the woman at the ticket office|a retired judge|your first teacher|the vet|the lodger upstairs
        |an admiral|a lost tourist|the bees' owner|the auctioneer"""
    ),
    "past_time": _words(
        """last Thursday|the night of the flood|in nineteen ninety-one|before the wedding|on my birthday
        |two winters ago|while you slept|the morning after|on the first of May|at four in the morning
        |last spring|during the eclipse|before anyone was up|the year the river froze|on the way home
        |that same evening|eleven days ago|after the funeral|between two trains|in broad daylight|an hour ago
        |when I was nine"""
    ),
    "future_time": _words(
        """tomorrow|by Friday|before the tide turns|at noon|after supper|when the rain stops|on Sunday
        |in ten minutes|before the auction|this time next year|as soon as it's dark|the moment they leave
        |by the end of the week|before the ferry docks|at first light|when the band starts
        |after the eleven o'clock news|in the spring"""
    ),
    "feeling": _words(
        """sorry|hungry|ashamed|relieved|too old for this|perfectly calm|cold|proud|frightened|out of my depth
        |almost happy|seasick|jealous|grateful|suspicious|very nearly honest|bored|late|furious|homesick"""
    ),
    "like": _words(
        """like a cat in a bath|like a man with two umbrellas|as if it owed you money|like a locked door
        |as though somebody had died|like a Sunday in February|like a wet accordion|as if nobody could count
        |like a bride on a bus|like soup through a fork|as if it were Tuesday|like a very small king
        |as though it cost nothing|like a borrowed hat|like a lighthouse with a secret|as if we had all week"""
    ),
    "reason": _words(
        """because {person} {did}|because nobody would {do}|because I was {feeling}|because of {thing}
        |because it rained at {place}|because that's what {person} would do|because {thing} was never mine
        |because you asked me to {do}|because {place} closed at six|because somebody had to {do}"""
    ),
    "claim": _words(
        """{person} {did} {past_time}|{thing} was at {place} {past_time}|nobody at {place} knows about {thing}
        |I {did} {past_time}|I never {did}|you {did}, and you never told {person}
        |{person} is going to {do} {future_time}|they found {thing} behind {place}
        |{thing} is worth more than {place}|there's no {noun} at {place}|{person} keeps {thing} under the bed
        |we {did} {past_time}, {reason}|I saw {person} {doing} {past_time}|somebody has been {doing}
        |{person} left {place} {past_time} with {thing}|the key to {place} is inside {thing}
        |{person} pays me to {do}|my whole family was {doing} {past_time}|{thing} belongs to {person} now"""
    ),
    "statement": _words(
        """{claim}.|{claim}, {reason}.|I know that {claim}.|The truth is, {claim}.
        |I told {person} that {claim}.|I can't {do} {reason}.|I didn't come to {place} to {do}.
        |I want to {do} {future_time}. That's all.|We leave {place} {future_time}, with {thing} or without it.
        |It isn't about {thing}. It's about {person}.|You look at {thing} {like}.
        |{person} talks about {thing} {like}.|I was {feeling}. So I {did}.
        |All I wanted was {thing} and a room above {place}.|I dreamt {past_time} that {claim}.
        |Nobody can {do} twice.|If I {did}, it was only {reason}.|One of us has to {do} {future_time}.
        |They're {doing} at {place}, right now, {like}.
        |You can't just {do} and expect {person} to be {feeling}.
        |I have been {feeling} ever since {person} {did}.
        |There are two kinds of people: those who {do}, and {person}.|I'd sooner {do} than {do}.
        |{person} says hello. {person} doesn't.|I'm {feeling}, and {thing} is gone.
        |For six years I've been {doing} {like}.|First we {do}. Then we talk to {person}.
        |My mother said never to {do} near {place}.|I owe {person} for {thing}.|It smells of {place} in here.
        |That's not {thing}. That's {thing}.|I was at {place} {past_time}. I heard {person} {doing}.
        |Take {thing} to {place}, and don't talk to {person}.|Tell {person} that I'm {feeling}.
        |Don't {do} until I come back from {place}.|Put {thing} down. We'll {do} {future_time}.
        |Somebody should ask {person} about {thing}.|Then {person} can {do} alone.
        |You'd have {did_too}, in my place."""
    ),
    "did_too": _words(
        """done the same to {thing}|kept quiet about {thing}|run all the way to {place}|believed {person}
        |said yes to {person}|gone back to {place} for {thing}|blamed {person}|paid for {thing} twice"""
    ),
    "question": _words(
        """Who {did}?|Why would {person} {do}?|Did you {do} {past_time}?|Where were you when {person} {did}?
        |What does {person} want with {thing}?|How long have you been {doing}?
        |Is that {thing}, or is it {thing}?|And if {person} comes back {future_time}?
        |What happened at {place} {past_time}?|Can you {do} by yourself?|Do you still think about {place}?
        |Would you {do}, for {thing}?|Since when is {person} {feeling_other}?
        |Have you told {person} about {thing}?|Why is {thing} at {place}?|You mean that {claim}?
        |Are you {feeling}, or is it only {thing}?|What did {person} say when you {did}?
        |Who sleeps at {place} now?|Shall we {do}, or shall we ask {person}?
        |Why does it always have to be {thing}?|Did {person} send you to {do}?|When do we {do}?
        |How much does {person} know about {place}?|What's the use of {doing} {future_time}?"""
    ),
    "feeling_other": _words(
        """afraid of {thing}|so polite to {person}|interested in {thing}|awake at this hour
        |allowed inside {place}|in charge of {place}|on our side|a friend of {person}|above {doing}
        |so fond of {place}"""
    ),
    "answer": _words(
        """No. {claim}.|Yes, {reason}.|Maybe. Ask {person} about {thing}.|Once, {past_time}, with {person}.
        |Not {future_time}. Not with {thing}.|Only {person}, and only at {place}, {past_time}.
        |Ha! {person} would {do} first.|I thought you were going to {do}.
        |At {place}, {past_time}, with {thing}.|I promised {person} I wouldn't {do}.
        |That depends on {thing} and on {person}.|Somebody had to {do}, and {person} was {feeling}.
        |I'd rather {do}.|For {thing}? Gladly. For {thing}? Never.|You'd better sit down. {claim}.
        |Ask me {future_time}, at {place}.|Well... {claim}.|Not if {person} hears about {thing}.
        |{thing}. What else did {person} want?|It's complicated... {person} {did}.
        |Say that again, about {person} and {thing}.|With {person}? At {place}, {past_time}?
        |Then we're too late for {thing}, and for {person}.
        |We had {thing}. We had {place}. What more did we need?"""
    ),
    "opener": _words(
        """Listen.|Look.|All right.|Wait.|Please.|{other}.|{other}, listen to me.|Oh, {other}.|No, no.|Fine.
        |You see,|Honestly,|And anyway,|{other}, please.|Hold on.|Forgive me, but|As it happens,|So,|I mean it.
        |Between you and me,|Let me finish.|I'll say it once.|Good.|Very funny.|Thank you, {other}.
        |Don't laugh, but"""
    ),
    "cut_off": _words(
        """If you'd only {do}, then {person} --|I never said that {person} {did}, I said --
        |What I mean is that {thing} --|If {person} finds out about {thing} --
        |We could take {thing} to {place} and --|But {person} promised to --|I swear, when I {did} --
        |You can't simply walk into {place} and --|It was {past_time}, I was {doing}, and --
        |Nobody told me that {person} --|I was going to tell you about {thing}, I was --"""
    ),
    "cut_in": _words(
        """Don't you dare {do}.|Not here. Not with {person} {doing}.|Stop. I know about {person} and {thing}.
        |You {did}. Say it.|I don't care about {thing}, or about {person}!|Leave {person} out of it. You {did}.
        |{person} knows that {claim}.|We went through all this {past_time}, at {place}.|Then go and {do}!
        |No. {claim}.|Quiet. Somebody's {doing}.|And I said, no {adjective} {noun} at {place}.
        |That's {person} at the door, with {thing}!|Where's {thing}? Where's {person}?"""
    ),
    "together": _words(
        """I {did}!|It was {person}, with {thing}!|We have to {do}!|Who told {person} about {thing}?
        |I can explain {thing}!|{person} is at {place}!|I thought that {thing} was yours!|Don't {do}!
        |After you {did}?"""
    ),
    "voice_over": _words(
        """{past_time}, {person} {did}. That was the start of it.
        |In our town there were two rules: never {do}, and never {do}.
        |I have told this story to {person}, and I always leave out {thing}.
        |People remember {place}. I remember {thing}.
        |It takes a whole town to {do}. It takes one person to {do}.|Years later {person} asked me why I {did}.
        |{claim}. I only understood it when I saw {thing}.
        |There is a photograph of us at {place}, {doing} {like}."""
    ),
    "weather": _words(
        """Rain on the windows of {place}.|Fog, thick as wool.|Low sun through dust.
        |Wind worries at a loose shutter.|Gulls quarrel over something behind {place}.
        |A generator coughs and settles.|Snow, beginning.|No light but a torch.
        |A brass band, far off, {doing} without meaning to.|Heat. A fan that turns and cools nobody.
        |Moths round a lamp.|Somewhere a dog objects.|The smell of diesel and bread.|Water drips into {thing}.
        |Dust sheets over everything.|Strings of bulbs, half of them dead.
        |The tide is out, and the mud shows its ribs.|A tap that won't close."""
    ),
    "where": _words(
        """under the table|by the window|on the counter|behind the door|against the wall
        |at the foot of the stairs|in the sink|beside a cold stove|among the coats|on top of a crate
        |in the doorway|under a tarpaulin"""
    ),
    "set": _words(
        """{thing} stands {where}.|{where}, {thing} and a plate of sandwiches.
        |Somebody has left {thing} {where}.|Everything is packed but {thing}.
        |Where {thing} used to be there is a pale square on the wall.
        |A clock says ten past four. It always does.|{where}, half hidden: {thing}.
        |Boxes to the ceiling, each marked {noun}."""
    ),
    "business": _words(
        """{name} turns {thing} over twice, and puts it {where}.|{name} looks at {thing} {like}.
        |{name} sits {where}.|{name} pours two cups and drinks both.|{name} opens {thing}. It is empty.
        |{name} goes to the window.|{name} and {second} look at each other {like}.
        |{second} holds out {thing}. {name} doesn't take it.|{name} laughs, {like}, and stops.
        |{name} folds a letter until it can't be folded any more.|A long silence.|{name} is already {doing}.
        |{second} crosses to {thing} and waits.|{name} starts to {do}, and thinks better of it.
        |{name} reads something off the back of {thing}.|{second} shuts the door on the noise of {place}.
        |{name} takes off one glove.|{name} strikes a match. The draught takes it.|{name} counts coins {where}.
        |{second} steps over {thing} without looking.|{name} leans {where} {like}.
        |{name} winds a watch that has stopped.|{second} finds {thing} {where} and says nothing.
        |{name} has been {doing}, and it shows.|{name} hears {person} {doing}, somewhere."""
    ),
    "sound": _words(
        """A door slams somewhere in {place}.|Footsteps overhead.|A ship's horn.|Glass breaks.
        |A telephone rings, twice.|The lights go out.|Something heavy rolls across the floor above.
        |A bell at {place} strikes the hour.|A car door.|Laughter from {place}.|A kettle begins to sing.
        |Thunder.|A key turns.|An engine fails to start."""
    ),
    "manner": _words(
        """a liar by profession|never without a pencil|who has slept in that coat|with paint on both hands
        |polite as a knife|with somebody else's umbrella|a swimmer's shoulders|who hums
        |a smile a size too small|patient as furniture|with a limp for sympathy|who counts everything
        |dressed for a better party|sunburnt on one side|with a voice for radio|who apologises to doors
        |in boots too big|newly shaved"""
    ),
}

PARENTHETICALS = _words(
    """beat|beat|beat|quietly|whispering|shouting|laughing|angry|sad|calm|tired|afraid|surprised|sarcastic
    |tender|without turning round|lying|after a moment|softly|happy|reading|firmly|too fast|under the breath"""
)

PLACES = _words(
    """BOATHOUSE|CANNERY|CHAPEL|ICE FACTORY|FERRY|ALLOTMENTS|DANCE HALL|QUARRY|PIER|BUS DEPOT|BAKERY
    |CUSTOMS SHED|OLD SCHOOL|OBSERVATORY|LAUNDRY|CABLE CAR STATION|ORCHARD|SIGNAL BOX|MARKET HALL|BANDSTAND
    |SWIMMING BATHS|POST OFFICE|LOCK GATES|BRICKWORKS|RADIO STATION|CAMP SITE|AUCTION ROOM|SALT PANS
    |RAILWAY ARCHES|VINEYARD|LIBRARY|SLIPWAY|FISH MARKET|CINEMA|RESERVOIR|TOLL HOUSE|COURTHOUSE|WATERMILL
    |HOTEL ATLANTIC|HOSPITAL|CAVE|CATHEDRAL"""
)
ROOMS = _words(
    """OFFICE|KITCHEN|BACK ROOM|STAIRWELL|CELLAR|ATTIC|CORRIDOR|WORKSHOP|WAITING ROOM|STOREROOM|BATHROOM|MAIN HALL
    |LIFT"""
)
OUTDOORS = _words("YARD|CAR PARK|ROOF|MAIN GATE|TOWPATH|STEPS|GARDEN|ALLEY|FIELD BEHIND|JETTY|ROAD OUTSIDE|BRIDGE")
TIMES = _words("DAY|DAY|NIGHT|NIGHT|EVENING|MORNING|DAWN|DUSK|AFTERNOON|LATER|CONTINUOUS")
TRANSITIONS = _words("CUT TO:|CUT TO:|DISSOLVE TO:|SMASH CUT TO:|MATCH CUT TO:")

FIRST_NAMES = _words(
    """ALMA|RUFUS|IMANI|TOBIAS|YUKI|CONSTANCE|MATEO|NADIA|FERGUS|LEILA|ANSELM|PRUDENCE|KOFI|INGRID|DARIUS
    |BEATRIZ|OWEN|SUNITA|LASZLO|MAEVE|HIROSHI|ZAHRA|CLEMENT|ROSALIND|EMEKA|FREYA|PASCAL|NOOR|GIDEON|TERESA|MILO
    |ANNIKA|RASHID|OPAL|VIKTOR|LUCIA|SAMIR|HESTER|JUN|MARGUERITE|TARIQ|WILHELMINA|CAIO|DELPHINE|ABEL|SAOIRSE
    |IVAN|CORDELIA|PAZ|OTTO"""
)
SURNAMES = _words(
    """VANDERMEER|OYELARAN|PREWITT|CASTELLAN|NAKAMURA|BRANNIGAN|LINDHOLM|ESPOSITO|ACHTERBERG|RAHMAN|TREVANION
    |KOWALSKA|DUBOIS|MENSAH|PELLEGRINI|STROUD|HALVORSEN|QURESHI|FAIRWEATHER|IBARRA|LOCKWOOD|SZABO|OKAFOR
    |THISTLEWOOD|MARCHETTI|GUNNARSDOTTIR|PEMBERTON|ABADI|COSGROVE|YAMADA|BELLAMY|PETROV|NWOSU|HARGREAVES
    |CARDOSO|WINTERBOTTOM|AZIZ|FONTAINE"""
)
OCCUPATIONS = _words(
    """FERRYMAN|NIGHT NURSE|DESK SERGEANT|AUCTIONEER|BAKER|CHOIRMASTER|DIVER|TAXI DRIVER|LIBRARIAN|BELL RINGER
    |COOK|TICKET INSPECTOR|LIFEGUARD|CENSUS TAKER|PIANO TUNER|WAITER|PROJECTIONIST|BEEKEEPER|NOTARY|LANDLADY
    |JUDGE|PORTER|GIRL ON A BICYCLE|OLD FISHERMAN|WEATHER MAN|NEWSREADER|BRIDE|TRAM DRIVER|GARDENER|VET|ADMIRAL
    |CLERK|BOY WITH A KITE"""
)
TITLES = ("MRS.", "MR.", "DR.", "MISS", "CAPTAIN")


def palette(rng: np.random.Generator) -> dict[str, Sequence[str]]:
    """A context that gives a scene something to be about: a few things, people and places that keep coming up."""
    chosen: dict[str, Sequence[str]] = {}
    for rule, count in (("noun", 5), ("person", 4), ("place", 4), ("past_time", 4)):
        few = [RULES[rule][i] for i in rng.choice(len(RULES[rule]), count, replace=False)]
        chosen[rule] = (*RULES[rule], *few * (len(RULES[rule]) // count))  # about half of all mentions
    return chosen


def pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    """One of the choices, each as likely as the next."""
    return choices[int(rng.integers(len(choices)))]


Context = Mapping[str, Sequence[str]]
"""Rules that hold here and now: they come before `RULES` of the same name."""


def expand(rule: str, rng: np.random.Generator, context: Context) -> str:
    """Text of a rule, its sentences beginning with capitals."""
    return capitals(fill(pick(rng, RULES[rule]), rng, context))


def capitals(text: str) -> str:
    """A text whose sentences begin with capitals."""
    return re.sub(r"(^|[.?!] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def after_opener(opener: str, text: str) -> str:
    """An opening phrase and what follows it: a sentence goes on in lower case after a comma."""
    if not opener.endswith((".", "!")) and not re.match(r"(I|I'\w+|Aunt|Grandmother's)\b", text):
        text = text[0].lower() + text[1:]
    return f"{opener} {text}"


def fill(text: str, rng: np.random.Generator, context: Context) -> str:
    """A text with every ``{slot}`` replaced, from the context first and from the rules otherwise."""

    def replacement(match: re.Match[str]) -> str:
        slot = match[1]
        return fill(pick(rng, context.get(slot) or RULES[slot]), rng, context)

    return _SLOT.sub(replacement, text)
