/* SPDX-License-Identifier: Apache-2.0 */

/* Names for containers that got none: an adjective and somebody worth remembering. */

#include "engine/name-generator.h"

#include <stdint.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/random-id.h"

static const char *const adjectives[] = {
    "able",      "agile",    "alert",    "ample",    "ardent",   "artful",   "balanced", "bold",
    "brave",     "breezy",   "bright",   "brisk",    "calm",     "candid",   "careful",  "cheerful",
    "civil",     "clear",    "clever",   "cordial",  "cosmic",   "crisp",    "curious",  "daring",
    "deft",      "devoted",  "diligent", "dreamy",   "eager",    "earnest",  "easy",     "elegant",
    "eloquent",  "fair",     "faithful", "fearless", "festive",  "fluent",   "fond",     "frank",
    "fresh",     "friendly", "frugal",   "gallant",  "generous", "gentle",   "gifted",   "glad",
    "graceful",  "grand",    "handy",    "hardy",    "hearty",   "honest",   "hopeful",  "humble",
    "inventive", "jolly",    "jovial",   "keen",     "kind",     "lively",   "loyal",    "lucid",
    "lucky",     "mellow",   "merry",    "mindful",  "modest",   "neat",     "nimble",   "noble",
    "observant", "open",     "patient",  "peaceful", "placid",   "playful",  "plucky",   "poised",
    "polite",    "proud",    "prudent",  "quick",    "quiet",    "radiant",  "ready",    "robust",
    "serene",    "sharp",    "sincere",  "smooth",   "sober",    "spirited", "steady",   "subtle",
    "sunny",     "swift",    "tactful",  "tender",   "thrifty",  "tidy",     "upbeat",   "valiant",
    "vivid",     "warm",     "wise",     "witty",    "zealous",  "zesty",
};

static const char *const surnames[] = {
    "abel",         "agnesi",    "airy",     "ampere",     "anning",     "arago",
    "archimedes",   "babbage",   "banach",   "bardeen",    "bell",       "bernoulli",
    "bessel",       "bohr",      "boole",    "bose",       "boyle",      "brahe",
    "bunsen",       "cantor",    "carson",   "cauchy",     "cavendish",  "chandra",
    "chatelet",     "clarke",    "cori",     "coulomb",    "curie",      "dalton",
    "darwin",       "davy",      "dijkstra", "dirac",      "einstein",   "elion",
    "eratosthenes", "euclid",    "euler",    "faraday",    "fermat",     "fermi",
    "feynman",      "fibonacci", "fourier",  "franklin",   "galileo",    "galois",
    "gauss",        "germain",   "goedel",   "hamilton",   "heisenberg", "henry",
    "herschel",     "hertz",     "hilbert",  "hodgkin",    "hooke",      "hopper",
    "hubble",       "huygens",   "hypatia",  "jacobi",     "jenner",     "joliot",
    "joule",        "kepler",    "khayyam",  "kirch",      "knuth",      "kovalevskaya",
    "lagrange",     "lamarr",    "laplace",  "lavoisier",  "leavitt",    "leibniz",
    "linnaeus",     "lonsdale",  "lovelace", "maxwell",    "mcclintock", "meitner",
    "mendel",       "mendeleev", "merian",   "mirzakhani", "napier",     "newton",
    "nobel",        "noether",   "ohm",      "pascal",     "pasteur",    "pauli",
    "payne",        "planck",    "poincare", "ptolemy",    "raman",      "ramanujan",
    "riemann",      "roentgen",  "rubin",    "rutherford", "shannon",    "somerville",
    "tesla",        "torvalds",  "turing",   "volta",      "watt",       "wu",
    "yalow",        "yonath",
};

static const char *pick(const char *const *words, size_t count)
{
    uint32_t number;

    random_bytes(&number, sizeof(number));
    return words[number % count]; /* the bias of the remainder does not matter here */
}

char *name_generate(unsigned attempt)
{
    const char *adjective = pick(adjectives, ARRAY_SIZE(adjectives));
    const char *surname = pick(surnames, ARRAY_SIZE(surnames));
    unsigned char digit;

    if (attempt == 0)
        return memory_printf("%s_%s", adjective, surname);
    random_bytes(&digit, sizeof(digit));
    return memory_printf("%s_%s%u", adjective, surname, digit % 10U);
}
