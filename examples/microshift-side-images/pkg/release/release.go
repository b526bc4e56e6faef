package release

// Base is the release that the images belong to.
var Base = "4.10.18"
