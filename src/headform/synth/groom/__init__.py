"""Hair, beards, lashes and hats of synthetic people, cut and combed anew for each."""

from headform.synth.groom.groomer import Groomed as Groomed
from headform.synth.groom.groomer import Groomer as Groomer
