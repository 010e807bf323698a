% heading = say("operators.new-event") if new else say("operators.edit-title", event=form.fields.get("title") or form.fields.get("name", ""))
% rebase("page-layout", heading=heading, here="events", script="event-form.js", keeps=keeps)
% def told(name):
%   fault = form.faults.get(name)
%   if fault:
<p class="fault" id="{{name}}-fault">{{say(fault.text, **fault.values)}}</p>
%   end
% end
% def hints(name, hint=False):
%   ids = [f"{name}-hint"] * hint + [f"{name}-fault"] * (name in form.faults)
%   return f' aria-describedby="{" ".join(ids)}"' * bool(ids) + ' aria-invalid="true"' * (name in form.faults)
% end
% def field(name, hint="", attributes="", label="", language=""):
<div class="entry">
  <label for="{{name}}">{{label or say(f"event.{name.replace('_', '-')}")}}</label>
  <input id="{{name}}" name="{{name}}" value="{{form.fields.get(name, "")}}"{{!f' lang="{language}"' if language else ""}}{{!hints(name, bool(hint))}} {{!attributes}}>
%   if hint:
  <p class="hint" id="{{name}}-hint">{{say(hint)}}</p>
%   end
%   told(name)
</div>
% end
% def long_text(name, hint="", label="", language=""):
<div class="entry long"><label for="{{name}}">{{label or say(f"event.{name}")}}</label>
  <textarea id="{{name}}" name="{{name}}" rows="5" maxlength="4000"{{!f' lang="{language}"' if language else ""}}{{!hints(name, bool(hint))}}>{{form.fields.get(name, "")}}</textarea>
%   if hint:
  <p class="hint" id="{{name}}-hint">{{say(hint)}}</p>
%   end
%   told(name)
</div>
% end
<h1>{{heading}}</h1>
% if form.faults:
<p class="notice bad" role="alert">{{say("operators.faults", count=len(form.faults))}}{{" " + say(form.faults[""].text, **form.faults[""].values) if "" in form.faults else ""}}</p>
% end
<form class="event-form" id="event-form" method="post" action="{{action}}" novalidate{{!" data-guess" if guess else ""}}>
<input type="hidden" name="csrf" value="{{visit.session.csrf}}">
<input type="hidden" name="was" value="{{form.was_json}}">
<fieldset>
  <legend>{{say("operators.about")}}</legend>
% field("title", "", 'required maxlength="200"')
% field("place", "", 'maxlength="200"')
% field("starts", "", form.type_of("starts"))
% field("timezone", "event.timezone-hint", 'list="zones" autocapitalize="off" spellcheck="false"')
  <datalist id="zones"><option value="UTC">
% for zone in zones:
<option value="{{zone}}">\\
% end
</datalist>
</fieldset>
% if new:
<fieldset>
  <legend>{{say("operators.types")}}</legend>
  <input type="hidden" name="rows" value="{{form.rows}}">
  <div class="rows">
%   for row in range(form.rows):
    <div class="row" role="group" aria-label="{{say("operators.type-row", number=row + 1)}}">
%     for part, attributes in (("label", 'maxlength="200"'), ("capacity", 'inputmode="numeric"'), ("price", 'inputmode="decimal"')):
%       name = f"{part}-{row}"
      <div class="entry {{part}}"><label for="{{name}}">{{say(f"event.{part}")}}</label>
        <input id="{{name}}" name="{{name}}" value="{{form.fields.get(name, "")}}"{{!hints(name)}} {{!attributes}}>
%       told(name)
      </div>
%     end
      <details class="entry"{{!" open" if form.has_any(f"type-{row}", f"colour-{row}", *(f"label.{each.tag}-{row}" for each in languages)) else ""}}><summary>{{say("operators.more-of-type")}}</summary>
%     for part, attributes in (("type", 'maxlength="32" autocapitalize="off" spellcheck="false"'), ("colour", 'maxlength="7" placeholder="#cc0000" spellcheck="false"'), *((f"label.{each.tag}", f'maxlength="200" lang="{each.tag}"') for each in languages)):
%       name, spoken = f"{part}-{row}", next((each.name for each in languages if part == f"label.{each.tag}"), "")
      <div class="entry"><label for="{{name}}">{{say("event.label-in", language=spoken) if spoken else say(f"event.{part}")}}</label>
        <input id="{{name}}" name="{{name}}" value="{{form.fields.get(name, "")}}"{{!hints(name)}} {{!attributes}}>
%       told(name)
      </div>
%     end
      </details>
    </div>
%   end
  </div>
  <button name="do" value="rows" class="more">{{say("operators.more-rows")}}</button>
</fieldset>
% end
<details class="fold"{{!" open" if form.has_any("opens", "closes", "limit", "payment", "payment_url", "currency", "hold_minutes", "extensions", "cancellable") else ""}}>
  <summary>{{say("operators.rules")}}</summary>
  <fieldset aria-label="{{say("operators.rules")}}">
% field("opens", "event.opens-hint", form.type_of("opens"))
% field("closes", "event.closes-hint", form.type_of("closes"))
  <div class="entry"><label for="payment">{{say("event.payment")}}</label>
  <select id="payment" name="payment"{{!hints("payment")}}>
% for each in ("none", "door", "required"):
    <option value="{{each}}"{{!" selected" if form.fields.get("payment") == each else ""}}>{{say(f"event.payment.{each}")}}</option>
% end
  </select>
% told("payment")
  </div>
% field("payment_url", "event.payment-url-hint", 'inputmode="url" maxlength="500" spellcheck="false"')
% field("currency", "", 'maxlength="3" autocapitalize="characters" spellcheck="false"')
% field("limit", "event.limit-hint", 'inputmode="numeric"')
% field("hold_minutes", "", 'inputmode="decimal"')
% field("extensions", "", 'inputmode="numeric"')
  <div class="entry check"><input type="checkbox" id="cancellable" name="cancellable"{{!" checked" if form.fields.get("cancellable") else ""}}> <label for="cancellable">{{say("event.cancellable")}}</label></div>
  </fieldset>
</details>
<details class="fold"{{!" open" if form.has_any("name", "ends", "doors", "organiser", "description") and ("name" in form.faults or form.has_any("ends", "doors", "organiser", "description") or new) else ""}}>
  <summary>{{say("operators.more-about")}}</summary>
  <fieldset aria-label="{{say("operators.more-about")}}">
% field("doors", "", form.type_of("doors"))
% field("ends", "", form.type_of("ends"))
% field("organiser", "", 'maxlength="200"')
% if new:
%   field("name", "event.name-hint", 'maxlength="32" autocapitalize="off" spellcheck="false"')
% end
% long_text("description", "event.description-hint")
  </fieldset>
</details>
% for other in languages:
%   fields = [f"translations.{other.tag}.{name}" for name in ("title", "place", "organiser", "description")]
<details class="fold"{{!" open" if form.has_any(*fields) else ""}}>
  <summary>{{say("operators.translation", language=other.name)}}</summary>
  <fieldset aria-label="{{say("operators.translation", language=other.name)}}">
  <p class="hint long">{{say("operators.translation-hint")}}</p>
%   for name, each in zip(("title", "place", "organiser"), fields):
%     field(each, "", 'maxlength="200"', say(f"event.{name}"), other.tag)
%   end
%   long_text(fields[3], "", say("event.description"), other.tag)
  </fieldset>
</details>
% end
% if new:
<p class="entry check"><input type="checkbox" id="publish" name="publish"{{!" checked" if form.fields.get("publish") else ""}} aria-describedby="publish-hint"> <label for="publish">{{say("event.publish")}}</label></p>
<p class="hint" id="publish-hint">{{say("event.publish-hint")}}</p>
% end
<p class="answer"><button class="main" name="do" value="save">{{say("operators.make" if new else "operators.save")}}</button> <a class="button" href="{{"/operator/events" if new else action.removesuffix("/edit")}}">{{say("operators.no")}}</a></p>
% if new:
<details{{!" open" if "file" in form.faults else ""}}>
  <summary>{{say("operators.from-file")}}</summary>
  <div class="entry"><label for="file">{{say("event.file")}}</label>
  <textarea id="file" name="file" rows="10" spellcheck="false" class="code"{{!hints("file", True)}}>{{form.fields.get("file", "")}}</textarea>
  <p class="hint" id="file-hint">{{say("event.file-hint")}}</p>
%   told("file")
  </div>
  <p class="inline"><input type="file" id="pick" accept=".toml" hidden aria-label="{{say("event.pick")}}"> <button name="do" value="file">{{say("operators.fill-in")}}</button></p>
</details>
% end
</form>
