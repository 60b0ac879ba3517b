const names = ['computed'];
module.exports = { [names[0]]: async (value) => value * 10 };
