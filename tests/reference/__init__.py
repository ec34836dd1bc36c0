"""The format written a second time, as plainly as it is defined: the oracle that the tests compare with."""
