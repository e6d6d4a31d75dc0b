// Chapters link to the reference pages beside the guide. These are no part of the book, and mdBook makes `.html` of every
// link: here it is the source again, which lies where the link says as long as the book is built in its place.
for (const link of document.querySelectorAll('main a[href^="../../"]')) {
    link.setAttribute("href", link.getAttribute("href").replace(/\.html(?=#|$)/, ".md"));
}
