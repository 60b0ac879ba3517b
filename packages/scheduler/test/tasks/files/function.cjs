module.exports = (value) => value + 1;
module.exports.minus = (value) => value - 1;
